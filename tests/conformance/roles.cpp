// SPDX-License-Identifier: GPL-3.0-or-later
#include "conformance/correspondent_node/groups.hpp"
#include "conformance/home_agent/groups.hpp"
#include "conformance/mobile_node/groups.hpp"
#include "conformance/report.hpp"

namespace mipflow::conformance {

std::vector<Role> all_roles() {
  return {{"Correspondent node",
           "All 136 cases of the suite, and 13 more. A probe is an Echo Request with a Home Address option: answered by way of a\n"
           "type 2 routing header when there is a binding, refused with BE 1 when there is none.",
           correspondent_node_groups()},
          {"Mobile node",
           "All 198 cases of the suite, and 31 more. Where the suite wants IPsec between mobile node and home agent, they use RFC 4285;\n"
           "home registrations in the cases about correspondent nodes and home agent address discovery are plain. *Home BU* is one with\n"
           "everything as §11.7.1 and RFC 4285 ask for. *Registered*: a packet that the home agent itself sends to the home address,\n"
           "with a type 2 routing header, is answered. In the suite the answer has a Home Address option, here it takes the tunnel, as\n"
           "§11.3.1 permits (decision 23). Application packets are datagrams that the mobile node's application\n"
           "answers. Retransmissions to correspondent nodes end after three, because the node then goes on with the tunnel (§5.2.9).\n"
           "Forming care-of addresses, looking for duplicates of them and asking routers whether they are there is the kernel's; the\n"
           "tester tells what it would.",
           mobile::mobile_node_groups()},
          {"Home agent",
           "All 222 cases of the suite, on a home link and on a virtual one, and 39 more; of a case that the suite has once and that ran\n"
           "on both, the second ends in -V. Where the suite wants IPsec, mobile node and home agent use RFC 4285, and BA 0 includes\n"
           "its authenticator. A probe is an Echo Request with a Home Address option: answered by way of the care-of address when\n"
           "there is a binding, refused with BE 1 when there is none. The suite wants that answer with a type 2 routing header\n"
           "(§9.3.2, a SHOULD); mipflow-had sends it through the tunnel, as everything else to its mobile nodes. The role says what is\n"
           "tunnelled where, accepted from where and answered for on the home link; the simulator's data path, and a model of the\n"
           "kernel's neighbour discovery, carry it out.",
           home::home_agent_groups()}};
}

}  // namespace mipflow::conformance
