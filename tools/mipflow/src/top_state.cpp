// SPDX-License-Identifier: GPL-3.0-or-later
#include "top_state.hpp"

#include <algorithm>

#include "flow_words.hpp"
#include "rendering.hpp"

namespace mipflow::tools {
namespace {

std::string word(const nlohmann::json& object, const char* key) { return render(field(object, key), Look::Plain); }

double octets(const nlohmann::json& object, const char* key) {
  const auto& value = field(object, key);
  return value.is_number() ? value.get<double>() : 0;
}

// Counters begin anew with a daemon or an interface: no rate then.
double rate(double before, double now, double passed) { return passed > 0 && now >= before ? (now - before) / passed : 0; }

TopFlow read_flow(const nlohmann::json& flow) {
  TopFlow out;
  out.id = field(flow, "id").get<FlowId>();
  out.interface = word(flow, "interface");
  const auto program = program_of(flow);
  out.what = program.empty() ? word(flow, "class") : program;
  out.protocol = word(flow, "protocol");
  out.correspondent = endpoint(flow, "correspondent", "correspondent_port");
  out.path = word(flow, "path");
  out.state = word(flow, "state");
  return out;
}

TopInterface read_interface(const nlohmann::json& item) {
  TopInterface out;
  out.name = word(item, "name");
  out.kind = word(item, "kind");
  out.usable = field(item, "usable") == true;
  const auto& online = field(item, "online");
  out.router_state = !out.usable ? word(item, "why_not") : online == true ? "online" : online == false ? "no answer" : "usable";
  out.round_trip = render(field(item, "round_trip_seconds"), Look::Measured);
  out.loss = render(field(item, "loss_per_mille"), Look::PerMille);
  if (const auto& flows = field(item, "flows"); flows.is_number_unsigned()) out.flows = flows.get<std::uint64_t>();
  return out;
}

}  // namespace

char TopState::choice_key(std::size_t position) {
  if (position < 9) return static_cast<char>('1' + position);
  return position < 9 + 26 ? static_cast<char>('a' + (position - 9)) : ' ';
}

void TopState::take(const TopLook& look) {
  const double passed = time_ ? look.time - *time_ : 0;
  status_ = look.status;
  take_flows(look.flows, passed);
  take_interfaces(look, passed);
  time_ = look.time;
}

void TopState::take_flows(const nlohmann::json& flows, double passed) {
  const FlowId chosen = chosen_ && !flows_.empty() ? flows_[selected_].id : 0;
  flows_.clear();
  std::map<FlowId, Rates> carried;
  if (flows.is_array())
    for (const auto& item : flows) {
      if (!field(item, "id").is_number_unsigned()) continue;
      auto flow = read_flow(item);
      const Rates now{octets(item, "bytes_in"), octets(item, "bytes_out")};
      if (const auto before = carried_.find(flow.id); before != carried_.end())
        flow.rates = {rate(before->second.in, now.in, passed), rate(before->second.out, now.out, passed)};
      carried.emplace(flow.id, now);
      flows_.push_back(std::move(flow));
    }
  carried_ = std::move(carried);
  order();
  // The user's choice stays with the flow, wherever it stands now; when the flow has ended, with the place.
  const auto found = std::find_if(flows_.begin(), flows_.end(), [&](const TopFlow& flow) { return flow.id == chosen; });
  if (found != flows_.end())
    selected_ = static_cast<std::size_t>(found - flows_.begin());
  else
    select(0);
  if (!chosen_) selected_ = 0;
}

void TopState::take_interfaces(const TopLook& look, double passed) {
  interfaces_.clear();
  if (look.interfaces.is_array())
    for (const auto& item : look.interfaces) {
      auto interface = read_interface(item);
      const auto now = look.links.find(interface.name);
      const auto before = links_.find(interface.name);
      if (now != look.links.end() && before != links_.end())
        interface.rates = {rate(static_cast<double>(before->second.bytes_in), static_cast<double>(now->second.bytes_in), passed),
                           rate(static_cast<double>(before->second.bytes_out), static_cast<double>(now->second.bytes_out), passed)};
      interfaces_.push_back(std::move(interface));
    }
  links_ = look.links;
}

void TopState::order() {
  const auto less = [this](const TopFlow& left, const TopFlow& right) {
    switch (sort_) {
      case Sort::Rate:
        if (const double a = left.rates.in + left.rates.out, b = right.rates.in + right.rates.out; a != b) return a > b;
        break;
      case Sort::Number: break;
      case Sort::Interface:
        if (left.interface != right.interface) return left.interface < right.interface;
        break;
      case Sort::What:
        if (left.what != right.what) return left.what < right.what;
        break;
    }
    return left.id < right.id;
  };
  std::sort(flows_.begin(), flows_.end(), less);
}

void TopState::select(std::ptrdiff_t steps) {
  const auto last = static_cast<std::ptrdiff_t>(flows_.size()) - 1;
  selected_ = static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(static_cast<std::ptrdiff_t>(selected_) + steps, 0, std::max<std::ptrdiff_t>(last, 0)));
}

void TopState::show_explanation(std::vector<std::string> lines) {
  explanation_ = std::move(lines);
  mode_ = Mode::Explanation;
}

TopRequest TopState::on_key(TopKey key, char letter, std::size_t page) {
  message_.clear();
  if (key == TopKey::Letter && letter == 'q' && mode_ == Mode::List) return {TopRequest::Kind::Quit};
  if (mode_ == Mode::Explanation) {
    mode_ = Mode::List;
    return {};
  }
  if (mode_ == Mode::ChooseInterface) return key == TopKey::Letter ? choose(letter) : (mode_ = Mode::List, TopRequest{});
  if (key != TopKey::Letter && key != TopKey::Escape) chosen_ = true;
  const auto step = static_cast<std::ptrdiff_t>(std::max<std::size_t>(page, 1));
  const auto all = static_cast<std::ptrdiff_t>(flows_.size());
  switch (key) {
    case TopKey::Up: select(-1); break;
    case TopKey::Down: select(1); break;
    case TopKey::PageUp: select(-step); break;
    case TopKey::PageDown: select(step); break;
    case TopKey::Home: select(-all); break;
    case TopKey::End: select(all); break;
    case TopKey::Escape: break;
    case TopKey::Letter: return on_letter(letter);
  }
  return {};
}

TopRequest TopState::on_letter(char letter) {
  const FlowId flow = flows_.empty() ? 0 : flows_[selected_].id;
  switch (letter) {
    case 'k':
    case 'j':
      chosen_ = true;
      select(letter == 'k' ? -1 : 1);
      break;
    case 's':
      sort_ = sort_ == Sort::What ? Sort::Rate : static_cast<Sort>(static_cast<unsigned char>(sort_) + 1);
      order();
      selected_ = 0;
      chosen_ = false;
      break;
    case 'm':
      // What is about to be moved must not change under the user's fingers.
      if (flow != 0) {
        chosen_ = true;
        mode_ = Mode::ChooseInterface;
      }
      break;
    case 'e':
      if (flow != 0) return {TopRequest::Kind::Explain, flow};
      break;
    case 'u': return {TopRequest::Kind::Undo};
    default: message_ = "keys: arrows, m, u, e, s, q";
  }
  return {};
}

TopRequest TopState::choose(char letter) {
  mode_ = Mode::List;
  for (std::size_t position = 0; position < interfaces_.size(); ++position)
    if (choice_key(position) == letter && letter != ' ' && !flows_.empty())
      return {TopRequest::Kind::Move, flows_[selected_].id, interfaces_[position].name};
  message_ = "not moved";
  return {};
}

}  // namespace mipflow::tools
