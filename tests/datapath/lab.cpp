// SPDX-License-Identifier: GPL-3.0-or-later
// Fills and reads a data path by hand, for the tests and benchmarks that send real traffic through it:
//   datapath_lab ROLE PIN_DIRECTORY MIP0 COMMAND...
// Commands, carried out in order:
//   uplink IF | home-agent A | care-of A IF | binding ID HOME COA PEER IF | home A BINDING | refresh
//   direct-binding ID HOME COA CORRESPONDENT IF | routing-header-source HOME CORRESPONDENT | plain-binding ID COA IF
//   flow SOURCE PORT CORRESPONDENT PORT PROTOCOL HOME BINDING | erase-flow SOURCE PORT CORRESPONDENT PORT PROTOCOL
//   signalling A | tunnel HOME COA HA | tunnel-source HOME COA | watch A IF
//   correspondent-binding HOME CORRESPONDENT COA PREVIOUS_COA | erase-correspondent-binding HOME CORRESPONDENT
//   activities | counters | ring | remove      (print JSON, one object per line)
//   serve                                      (carries out the lines of standard input; a line "." ends what each prints)
// Ends with 1 and a sentence on standard error when something is refused.
#include <net/if.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <iterator>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "mipflow/datapath/data_path.hpp"

using namespace mipflow;
using datapath::DataPath;

namespace {

class Arguments {
 public:
  explicit Arguments(std::vector<std::string> values) : values_(std::move(values)) {}
  bool empty() const { return next_ >= values_.size(); }
  std::string text() {
    if (empty()) fail("an argument is missing");
    return values_[next_++];
  }
  Address address() {
    const std::string word = text();
    const auto out = Address::parse(word);
    if (!out) fail(word + " is no IPv6 address");
    return *out;
  }
  std::uint32_t number() { return static_cast<std::uint32_t>(std::stoul(text())); }
  std::uint16_t port() { return static_cast<std::uint16_t>(std::stoul(text())); }
  InterfaceIndex interface() {
    const std::string name = text();
    const InterfaceIndex out = ::if_nametoindex(name.c_str());
    if (out == 0) fail("there is no interface " + name);
    return out;
  }
  FlowKey flow() {
    FlowKey key;
    key.source = address();
    key.source_port = port();
    key.correspondent = address();
    key.correspondent_port = port();
    key.protocol = static_cast<std::uint8_t>(number());
    return key;
  }
  [[noreturn]] static void fail(const std::string& why) {
    std::fprintf(stderr, "datapath_lab: %s\n", why.c_str());
    std::exit(1);
  }

 private:
  std::vector<std::string> values_;
  std::size_t next_ = 0;
};

void demand(const Expected<void, datapath::Error>& result) {
  if (!result) Arguments::fail(result.error().text);
}

void print_activities(const DataPath& path) {
  for (const auto& flow : path.activities())
    std::printf("{\"id\":%llu,\"source_port\":%u,\"correspondent_port\":%u,\"protocol\":%u,\"packets_out\":%llu,\"bytes_out\":%llu,"
                "\"packets_in\":%llu,\"bytes_in\":%llu,\"closed\":%s,\"retransmissions_out\":%llu,\"retransmissions_in\":%llu,"
                "\"longest_gap_out_ns\":%lld,\"longest_gap_in_ns\":%lld}\n",
                static_cast<unsigned long long>(flow.id), flow.key.source_port, flow.key.correspondent_port, flow.key.protocol,
                static_cast<unsigned long long>(flow.packets_out), static_cast<unsigned long long>(flow.bytes_out),
                static_cast<unsigned long long>(flow.packets_in), static_cast<unsigned long long>(flow.bytes_in),
                flow.closed ? "true" : "false", static_cast<unsigned long long>(flow.retransmissions_out),
                static_cast<unsigned long long>(flow.retransmissions_in), static_cast<long long>(flow.longest_gap_out.count()),
                static_cast<long long>(flow.longest_gap_in.count()));
}

void print_counters(const DataPath& path) {
  std::printf("{");
  const char* separator = "";
  for (const auto& counter : path.counters()) {
    std::printf("%s\"%s\":%llu", separator, counter.name, static_cast<unsigned long long>(counter.value));
    separator = ",";
  }
  std::printf("}\n");
}

void print_ring(DataPath& path) {
  const auto on_packet = [](PacketReceived packet) {
    std::printf("{\"interface\":%u,\"tunnel_source\":\"%s\",\"link_layer\":%s,\"packet\":\"", packet.interface,
                packet.tunnel_source ? to_string(*packet.tunnel_source).c_str() : "", packet.link_layer_source ? "true" : "false");
    for (const auto octet : packet.packet) std::printf("%02x", octet);
    std::printf("\"}\n");
  };
  const auto on_closed = [](const datapath::FlowClosed& flow) {
    std::printf("{\"closed\":%llu,\"source_port\":%u}\n", static_cast<unsigned long long>(flow.id), flow.key.source_port);
  };
  for (;;) {
    const auto count = path.read_ring(on_packet, on_closed);
    if (!count) Arguments::fail(count.error().text);
    if (*count == 0) return;
  }
}

void carry_out(DataPath& path, const std::string& command, Arguments& arguments) {
  if (command == "uplink") {
    demand(path.attach_uplink(arguments.interface()));
  } else if (command == "home-agent") {
    demand(path.set_home_agent(arguments.address()));
  } else if (command == "care-of") {
    const Address address = arguments.address();
    demand(path.set_care_of_address(address, {arguments.interface()}));
  } else if (command == "binding" || command == "direct-binding") {
    const std::uint32_t id = arguments.number();
    forwarding::BindingItem item;
    item.header = command == "binding" ? forwarding::HeaderKind::Tunnel : forwarding::HeaderKind::RouteOptimized;
    item.home_address = arguments.address();
    item.care_of_address = arguments.address();
    item.peer = arguments.address();
    item.uplink = arguments.interface();
    demand(path.set_binding(id, item));
  } else if (command == "plain-binding") {
    const std::uint32_t id = arguments.number();
    forwarding::BindingItem item;
    item.header = forwarding::HeaderKind::Plain;
    item.care_of_address = arguments.address();
    item.uplink = arguments.interface();
    demand(path.set_binding(id, item));
  } else if (command == "routing-header-source") {
    const Address home = arguments.address();
    demand(path.set_routing_header_source({home, arguments.address()}));
  } else if (command == "correspondent-binding") {
    const Address home = arguments.address();
    const Address correspondent = arguments.address();
    const Address care_of = arguments.address();
    demand(path.set_correspondent_binding({home, correspondent}, {care_of, arguments.address()}));
  } else if (command == "erase-correspondent-binding") {
    const Address home = arguments.address();
    demand(path.erase_correspondent_binding({home, arguments.address()}));
  } else if (command == "home") {
    const Address address = arguments.address();
    demand(path.set_home_address(address, {arguments.number(), false}));
  } else if (command == "refresh") {
    demand(path.refresh_next_hops());
  } else if (command == "flow") {
    static FlowId id = 0;
    const FlowKey key = arguments.flow();
    const Address home = arguments.address();
    demand(path.set_flow(key, {++id, home, arguments.number()}));
  } else if (command == "erase-flow") {
    demand(path.erase_flow(arguments.flow()));
  } else if (command == "signalling") {
    demand(path.set_signalling_address(arguments.address()));
  } else if (command == "tunnel") {
    const Address home = arguments.address();
    const Address care_of = arguments.address();
    demand(path.set_tunnel(home, {care_of, arguments.address()}));
  } else if (command == "tunnel-source") {
    const Address home = arguments.address();
    demand(path.set_tunnel_source({home, arguments.address()}));
  } else if (command == "watch") {
    const Address address = arguments.address();
    demand(path.set_watched_address({arguments.interface(), address}));
  } else if (command == "activities") {
    print_activities(path);
  } else if (command == "counters") {
    print_counters(path);
  } else if (command == "ring") {
    print_ring(path);
  } else if (command == "remove") {
    demand(path.remove_everything());
  } else {
    Arguments::fail("unknown command " + command);
  }
}

void carry_out_all(DataPath& path, Arguments& arguments) {
  while (!arguments.empty()) {
    const std::string command = arguments.text();
    carry_out(path, command, arguments);
  }
}

void serve(DataPath& path) {
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    Arguments arguments({std::istream_iterator<std::string>(words), {}});
    carry_out_all(path, arguments);
    std::printf(".\n");
    std::fflush(stdout);
  }
}

datapath::Role role_named(const std::string& name) {
  if (name == "mobile-node") return datapath::Role::MobileNode;
  if (name == "home-agent") return datapath::Role::HomeAgent;
  if (name == "correspondent-node") return datapath::Role::CorrespondentNode;
  Arguments::fail(name + " is no role");
}

}  // namespace

int main(int count, char** values) {
  Arguments arguments({values + 1, values + count});
  datapath::Options options;
  options.role = role_named(arguments.text());
  options.pin_directory = arguments.text();
  options.mip0 = arguments.interface();
  options.flow_capacity = 4096;
  auto path = DataPath::open(options);
  if (!path) Arguments::fail(path.error().text);
  if (count == 5 && std::string(values[4]) == "serve")
    serve(**path);
  else
    carry_out_all(**path, arguments);
  return 0;
}
