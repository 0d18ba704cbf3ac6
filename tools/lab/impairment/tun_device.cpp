// SPDX-License-Identifier: GPL-3.0-or-later
#include "tun_device.hpp"

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>

namespace mipflow::lab {

namespace {

constexpr std::size_t kLongestPacket = 65536;

[[noreturn]] void fail(const std::string& what) { throw std::system_error(errno, std::generic_category(), what); }

}  // namespace

TunDevice::TunDevice(const std::string& name) : descriptor_(::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC)) {
  if (!descriptor_) fail("can not open /dev/net/tun");
  ifreq request{};
  if (name.empty() || name.size() >= sizeof request.ifr_name) throw std::invalid_argument("'" + name + "' is no name of a device");
  name.copy(request.ifr_name, name.size());
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  if (::ioctl(descriptor_.get(), TUNSETIFF, &request) != 0) fail("can not make the device " + name);
}

std::optional<Bytes> TunDevice::read() {
  Bytes packet(kLongestPacket);
  for (;;) {
    const ssize_t size = ::read(descriptor_.get(), packet.data(), packet.size());
    if (size >= 0) {
      packet.resize(static_cast<std::size_t>(size));
      packet.shrink_to_fit();
      return packet;
    }
    // Until it is up the kernel says so with EIO.
    if (errno == EAGAIN || errno == EIO) return std::nullopt;
    if (errno != EINTR) fail("can not read from the device");
  }
}

bool TunDevice::write(BytesView packet) {
  for (;;) {
    const ssize_t size = ::write(descriptor_.get(), packet.data(), packet.size());
    if (size >= 0) return static_cast<std::size_t>(size) == packet.size();
    if (errno != EINTR) return false;
  }
}

}  // namespace mipflow::lab
