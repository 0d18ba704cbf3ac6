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
#include <optional>
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

// Where a feature's bit stands.
struct FeaturePlace {
  std::uint32_t index = 0;
  std::uint32_t blocks = 0;  // of 32 bits that all features take
};

// nullopt when the device does not know it.
std::optional<FeaturePlace> find_feature(const FileDescriptor& socket, ifreq& request, const char* feature) {
  Variable<ethtool_sset_info> sizes(sizeof(std::uint32_t));
  sizes->cmd = ETHTOOL_GSSET_INFO;
  sizes->sset_mask = 1ULL << ETH_SS_FEATURES;
  request.ifr_data = sizes.data();
  if (::ioctl(socket.get(), SIOCETHTOOL, &request) != 0 || sizes->sset_mask == 0) return std::nullopt;
  std::uint32_t count = 0;
  std::memcpy(&count, sizes.data() + sizeof(ethtool_sset_info), sizeof count);

  Variable<ethtool_gstrings> names(std::size_t{count} * ETH_GSTRING_LEN);
  names->cmd = ETHTOOL_GSTRINGS;
  names->string_set = ETH_SS_FEATURES;
  names->len = count;
  request.ifr_data = names.data();
  if (::ioctl(socket.get(), SIOCETHTOOL, &request) != 0) return std::nullopt;

  for (std::uint32_t i = 0; i < count; ++i)
    if (std::strncmp(names.data() + sizeof(ethtool_gstrings) + std::size_t{i} * ETH_GSTRING_LEN, feature, ETH_GSTRING_LEN) == 0)
      return FeaturePlace{i, (count + 31) / 32};
  return std::nullopt;
}

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
  const auto place = find_feature(socket, request, feature);
  if (!place) return {};

  Variable<ethtool_sfeatures> features(std::size_t{place->blocks} * sizeof(ethtool_set_features_block));
  features->cmd = ETHTOOL_SFEATURES;
  features->size = place->blocks;
  ethtool_set_features_block change{};
  change.valid = 1u << (place->index % 32);
  std::memcpy(features.data() + sizeof(ethtool_sfeatures) + place->index / 32 * sizeof change, &change, sizeof change);
  request.ifr_data = features.data();
  if (::ioctl(socket.get(), SIOCETHTOOL, &request) < 0 && errno != EOPNOTSUPP)
    return failure(errno, std::string("cannot switch off ") + feature + " of " + interface.name);
  return {};
}

bool has_feature(const Interface& interface, const char* feature) {
  const FileDescriptor socket = control_socket();
  ifreq request = request_for(interface.name);
  const auto place = find_feature(socket, request, feature);
  if (!place) return false;

  Variable<ethtool_gfeatures> features(std::size_t{place->blocks} * sizeof(ethtool_get_features_block));
  features->cmd = ETHTOOL_GFEATURES;
  features->size = place->blocks;
  request.ifr_data = features.data();
  if (::ioctl(socket.get(), SIOCETHTOOL, &request) != 0) return false;
  ethtool_get_features_block block{};
  std::memcpy(&block, features.data() + sizeof(ethtool_gfeatures) + place->index / 32 * sizeof block, sizeof block);
  return (block.active & 1u << (place->index % 32)) != 0;
}

}  // namespace mipflow::datapath
