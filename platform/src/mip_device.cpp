// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/platform/mip_device.hpp"

#include <cerrno>
#include <optional>

#include "mipflow/platform/names.hpp"
#include "mipflow/platform/network_observer.hpp"
#include "rtnetlink_codec.hpp"

namespace mipflow::platform {

namespace {

Result<std::optional<Link>> find_link(NetlinkSocket& socket, const std::string& name) {
  auto links = list_links(socket);
  if (!links) return Unexpected{links.error()};
  for (auto& link : *links)
    if (link.name == name) return std::optional{std::move(link)};
  return std::optional<Link>{};
}

Result<void> make(NetlinkSocket& socket, const std::string& name, std::uint32_t mtu) {
  int error = 0;
  for (const char* kind : {"dummy", "ifb"}) {
    NetlinkMessage message = encode_new_link(name, kind, mtu);
    error = socket.request(message);
    if (error == 0) return {};
    if (error != EOPNOTSUPP) break;  // the kernel knows the kind, so the next one would not do better
  }
  if (error == EOPNOTSUPP)
    return fail("cannot make the device " + name + ": the kernel has neither CONFIG_DUMMY nor CONFIG_IFB; load the module 'dummy'");
  if (error == EPERM) return fail("cannot make the device " + name + ": CAP_NET_ADMIN is missing; run as root or give the capability");
  return fail("cannot make the device " + name, error);
}

bool is_ours(const Link& link) { return link.alias == kLinkAlias && (link.kind == "dummy" || link.kind == "ifb"); }

}  // namespace

Result<InterfaceIndex> ensure_mip_device(NetlinkSocket& socket, const std::string& name, std::uint32_t mtu) {
  auto link = find_link(socket, name);
  if (!link) return Unexpected{link.error()};
  if (*link && !is_ours(**link))
    return fail("there is a network interface " + name + " already that mipflow did not make; remove it or choose another name with --device");
  if (!*link) {
    if (const auto made = make(socket, name, mtu); !made) return Unexpected{made.error()};
    link = find_link(socket, name);
    if (!link) return Unexpected{link.error()};
    if (!*link) return fail("the device " + name + " vanished as soon as it was made");
  }
  for (NetlinkMessage message : {encode_configure_link((*link)->index, kLinkAlias, mtu), encode_set_link_up((*link)->index)})
    if (const int error = socket.request(message)) return fail("cannot set up the device " + name, error);
  return (*link)->index;
}

Result<void> remove_mip_device(NetlinkSocket& socket, const std::string& name) {
  const auto link = find_link(socket, name);
  if (!link) return Unexpected{link.error()};
  if (!*link || !is_ours(**link)) return {};
  NetlinkMessage message = encode_delete_link((*link)->index);
  const int error = socket.request(message);
  if (error != 0 && error != ENODEV) return fail("cannot remove the device " + name, error);
  return {};
}

}  // namespace mipflow::platform
