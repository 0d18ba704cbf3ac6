// SPDX-License-Identifier: GPL-3.0-or-later
#include "interface.hpp"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "file_descriptor.hpp"

namespace mipflow::datapath {

namespace {

ifreq request_for(const std::string& name) {
  ifreq request{};
  std::copy_n(name.c_str(), std::min(name.size(), sizeof request.ifr_name - 1), request.ifr_name);
  return request;
}

FileDescriptor control_socket() { return FileDescriptor(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0)); }

// Memory for an ethtool request whose structure ends in a list.
template <class Request>
struct Variable {
  explicit Variable(std::size_t octets_behind) : words((sizeof(Request) + octets_behind) / 8 + 1) {}
  Request* operator->() { return reinterpret_cast<Request*>(words.data()); }
  char* data() { return reinterpret_cast<char*>(words.data()); }
  std::vector<std::uint64_t> words;
};

}  // namespace

bool Interface::is_ethernet() const { return hardware == ARPHRD_ETHER; }

Expected<Interface, Error> read_interface(InterfaceIndex index) {
  char name[IF_NAMESIZE];
  if (::if_indextoname(index, name) == nullptr)
    return failure(ENODEV, "interface number " + std::to_string(index), "there is none in this network namespace");
  const FileDescriptor socket = control_socket();
  Interface out;
  out.name = name;
  ifreq request = request_for(out.name);
  if (::ioctl(socket.get(), SIOCGIFHWADDR, &request) != 0) return failure(errno, "cannot read the address of " + out.name);
  out.hardware = request.ifr_hwaddr.sa_family;
  std::memcpy(out.link_layer.data(), request.ifr_hwaddr.sa_data, out.link_layer.size());
  if (::ioctl(socket.get(), SIOCGIFMTU, &request) != 0) return failure(errno, "cannot read the MTU of " + out.name);
  out.mtu = static_cast<std::uint32_t>(request.ifr_mtu);
  return out;
}

Result switch_off_feature(const Interface& interface, const char* feature) {
  const FileDescriptor socket = control_socket();
  ifreq request = request_for(interface.name);

  Variable<ethtool_sset_info> sizes(sizeof(std::uint32_t));
  sizes->cmd = ETHTOOL_GSSET_INFO;
  sizes->sset_mask = 1ULL << ETH_SS_FEATURES;
  request.ifr_data = sizes.data();
  if (::ioctl(socket.get(), SIOCETHTOOL, &request) != 0 || sizes->sset_mask == 0) return {};
  std::uint32_t count = 0;
  std::memcpy(&count, sizes.data() + sizeof(ethtool_sset_info), sizeof count);

  Variable<ethtool_gstrings> names(std::size_t{count} * ETH_GSTRING_LEN);
  names->cmd = ETHTOOL_GSTRINGS;
  names->string_set = ETH_SS_FEATURES;
  names->len = count;
  request.ifr_data = names.data();
  if (::ioctl(socket.get(), SIOCETHTOOL, &request) != 0) return {};

  for (std::uint32_t i = 0; i < count; ++i) {
    if (std::strncmp(names.data() + sizeof(ethtool_gstrings) + std::size_t{i} * ETH_GSTRING_LEN, feature, ETH_GSTRING_LEN) != 0) continue;
    const std::uint32_t blocks = (count + 31) / 32;
    Variable<ethtool_sfeatures> features(std::size_t{blocks} * sizeof(ethtool_set_features_block));
    features->cmd = ETHTOOL_SFEATURES;
    features->size = blocks;
    ethtool_set_features_block change{};
    change.valid = 1u << (i % 32);
    std::memcpy(features.data() + sizeof(ethtool_sfeatures) + i / 32 * sizeof change, &change, sizeof change);
    request.ifr_data = features.data();
    if (::ioctl(socket.get(), SIOCETHTOOL, &request) < 0 && errno != EOPNOTSUPP)
      return failure(errno, std::string("cannot switch off ") + feature + " of " + interface.name);
  }
  return {};
}

}  // namespace mipflow::datapath
