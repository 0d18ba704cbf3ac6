// SPDX-License-Identifier: GPL-3.0-or-later
// Requests about home addresses.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "control_requests.hpp"
#include "mipflow/platform/clock.hpp"
#include "mipflow/platform/control_reply.hpp"

namespace mipflow::mnd {

using platform::refuse;
using platform::reply;
using Reply = platform::ControlServer::Reply;

namespace {

std::optional<Address> address_in(const platform::ControlRequest& request) {
  const auto text = request.text("home_address");
  return text ? Address::parse(*text) : std::nullopt;
}

Reply without_address(const char* request) {
  return refuse("malformed", std::string("the request ") + request + " needs an IPv6 address: \"home_address\":\"2001:db8:1::100\"");
}

}  // namespace

Reply ControlRequests::home_addresses(const Request&, const Peer&) {
  return platform::reply_list(context_.node.home_addresses(platform::read_clock()));
}

Reply ControlRequests::home_address(const Request& request, const Peer&) {
  const auto wanted = address_in(request);
  if (!wanted) return without_address("home-address");
  const auto all = context_.node.home_addresses(platform::read_clock());
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const HomeAddressSnapshot& each) { return each.home_address == *wanted; });
  if (found == all.end())
    return refuse_command({CommandError::Kind::UnknownHomeAddress,
                           "There is no home address " + to_string(*wanted) + "; 'mipflow hoa list' shows those that there are."});
  return [home_address = *found] { return platform::answer(platform::to_json(home_address)); };
}

Reply ControlRequests::allocate_home_address(const Request&, const Peer&) {
  const auto allocated = command([&](Now now, Outputs& outputs) { return context_.node.allocate_home_address(now, outputs); });
  return allocated ? reply({{"home_address", to_string(*allocated)}}) : refuse_command(allocated.error());
}

Reply ControlRequests::free_home_address(const Request& request, const Peer&) {
  const auto wanted = address_in(request);
  if (!wanted) return without_address("free-home-address");
  const auto freed = command([&](Now now, Outputs& outputs) { return context_.node.free_home_address(*wanted, now, outputs); });
  return freed ? reply({{"home_address", to_string(*wanted)}}) : refuse_command(freed.error());
}

Reply ControlRequests::pin_home_address(const Request& request, const Peer&) {
  const auto wanted = address_in(request);
  const auto pinned = request.flag("pinned");
  if (!wanted) return without_address("pin-home-address");
  if (!pinned) return refuse("malformed", "the request pin-home-address needs \"pinned\":true or \"pinned\":false");
  const auto done = command([&](Now now, Outputs& outputs) { return context_.node.pin_home_address(*wanted, *pinned, now, outputs); });
  return done ? reply({{"home_address", to_string(*wanted)}, {"pinned", *pinned}}) : refuse_command(done.error());
}

}  // namespace mipflow::mnd
