// SPDX-License-Identifier: GPL-3.0-or-later
// Input: one octet (who asks: root or a user), then requests, one per line, to a mobile node that is registered and has flows.
#include <nlohmann/json.hpp>

#include <algorithm>

#include "control_requests.hpp"
#include "fuzz/target.hpp"
#include "fuzz/text_file.hpp"
#include "mipflow/base/random.hpp"
#include "mipflow/platform/clock.hpp"
#include "mipflow/wire/packet.hpp"
#include "mipflow/wire/udp.hpp"
#include "unit/platform/temporary_directory.hpp"

namespace mipflow::fuzz {

using namespace mnd;

namespace {

Address address(const char* text) { return *Address::parse(text); }

Configuration configuration() {
  Configuration out;
  out.home_agent = address("2001:db8:100::1");
  out.primary_home_address = address("2001:db8:100::100");
  out.home_prefix = *Prefix::parse("2001:db8:100::/64");
  out.authentication = Authentication::NoneInsecure;
  out.probe_home_agent = false;
  return out;
}

// Answers every Binding Update as the home agent does.
class World final : public platform::RunnerPort {
 public:
  Now now() override { return platform::read_clock(); }
  void add(const platform::PlanChanges&, std::vector<platform::Failure>&) override {}
  void remove(const platform::PlanChanges&, std::vector<platform::Failure>&) override {}
  void send(const OutgoingPacket& packet) override {
    const auto decoded = wire::decode_packet(packet.packet);
    const auto* mobility = decoded ? std::get_if<wire::MobilityMessage>(&decoded->message) : nullptr;
    const auto* update = mobility != nullptr ? std::get_if<wire::BindingUpdate>(mobility) : nullptr;
    if (update == nullptr || !update->home_registration) return;
    wire::Envelope envelope{decoded->view.destination, decoded->view.source};
    envelope.routing_header_home_address = decoded->view.home_address_option;
    answers.push_back({wire::build_packet(envelope, wire::BindingAcknowledgement{.sequence = update->sequence, .lifetime_units = update->lifetime_units}),
                       packet.interface});
  }
  void release(const Verdict&) override {}
  void tell(const Notice&, TimePoint) override {}
  void arm(TimePoint) override {}
  void refused(std::vector<platform::Failure>) override {}

  std::vector<PacketReceived> answers;
};

// Nothing on this host is looked at or moved.
class NothingSeen final : public platform::SocketHolders {
 public:
  platform::SocketHolder find(std::uint64_t, std::optional<std::uint32_t>, const std::string&, Clock::time_point) override { return {}; }
  std::optional<bool> is_in_our_network(pid_t) override { return std::nullopt; }
  std::string cgroup_of(pid_t) override { return {}; }
};

class Daemon {
 public:
  Daemon() {
    runner_.handle(InterfaceChanged{.index = 3, .name = "wlan0", .kind = InterfaceKind::Wifi, .up = true, .running = true});
    runner_.handle(AddressChanged{.interface = 3, .address = address("2001:db8:a::10")});
    runner_.handle(RouterChanged{.interface = 3, .router = address("fe80::1")});
    for (std::uint16_t port = 4'711; port < 4'714; ++port) {
      const Bytes packet = wire::build_udp_packet({configuration().primary_home_address, address("2001:db8:5::80")}, port, 5'060, Bytes(8));
      runner_.handle(FlowPacket{.id = port, .packet = packet, .length = static_cast<std::uint32_t>(packet.size())});
    }
    answer_all();
  }
  ~Daemon() {
    std::error_code ignored;
    std::filesystem::remove_all(state() / "users", ignored);
  }

  std::string ask(const std::string& line, std::uint32_t user) {
    const std::string answer = requests_.handle(line, {.user = user, .group = user, .process = 0})();
    answer_all();
    return answer;
  }
  std::size_t flows() const { return node_.flows(platform::read_clock()).size(); }

 private:
  static const std::filesystem::path& state() {
    static const test::TemporaryDirectory directory;
    return directory.path();
  }
  void answer_all() {
    for (unsigned rounds = 0; !world_.answers.empty() && rounds < 100; ++rounds)
      for (auto& answer : std::exchange(world_.answers, {})) runner_.handle(std::move(answer));
  }
  Expected<void, CommandError> move(FlowId flow, const std::string& interface) {
    return runner_.command([&](Now now, Outputs& outputs) { return node_.move_flow(flow, interface, now, outputs); });
  }

  World world_;
  SeededRandom random_{1};
  MobileNode node_{configuration(), std::make_shared<flow_separator::Policy>(), random_};
  NodeRunner runner_{node_, world_};
  boost::asio::io_context loop_{1};
  ApplicationRequests applications_{loop_, node_,
                                    {.socket_holders = std::make_shared<NothingSeen>(), .program_groups = std::make_shared<platform::ProgramGroups>(std::nullopt)},
                                    {.move_flow = [this](FlowId flow, const std::string& interface) { return move(flow, interface); },
                                     .look_up_again = [](const FlowKey&) {}}};
  PolicySource source_{state() / "policy.d", state(), configuration()};
  ControlRequests requests_{{.node = node_,
                             .runner = runner_,
                             .applications = applications_,
                             .started = {},
                             .policy = source_,
                             .counters = [] { return std::map<std::string, std::uint64_t>{{"packets", 1}}; },
                             .complete_status = [](StatusSnapshot&) {}}};
};

}  // namespace

void fuzz_control_requests(BytesView input);
void fuzz_control_requests(BytesView input) {
  if (input.empty()) return;
  const std::uint32_t user = (input.front() & 1) != 0 ? 0 : 1'000;
  Daemon daemon;
  std::string left = text_of(input.subspan(1));
  for (unsigned lines = 0; lines < 16 && !left.empty(); ++lines) {
    const auto end = std::min(left.find('\n'), left.size());
    const std::string answer = daemon.ask(left.substr(0, end), user);
    left.erase(0, end + 1);
    must(answer.find('\n') == std::string::npos, "an answer has more than one line");
    const auto read = nlohmann::json::parse(answer, nullptr, false);
    must(read.is_object() && read.contains("ok") && read["ok"].is_boolean(), "an answer is none of the protocol's");
    must(read["ok"] == true ? read.contains("result") : !read["error"]["message"].get<std::string>().empty(), "an answer without a result or a reason");
  }
  must(daemon.flows() >= 3, "a request has taken flows away");
}

}  // namespace mipflow::fuzz
