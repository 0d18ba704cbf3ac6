// SPDX-License-Identifier: GPL-3.0-or-later
#include "capture_file.hpp"

#include <fmt/format.h>
#include <pcap/pcap.h>

#include <chrono>
#include <cstdio>

#include "link_layer.hpp"

namespace mipflow::tools {

namespace {

std::string utc(const timeval& time) {
  using namespace std::chrono;
  const seconds since_epoch{time.tv_sec};
  const days day = floor<days>(since_epoch);
  const year_month_day date{sys_days{day}};
  const hh_mm_ss<seconds> of_day{since_epoch - day};
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), of_day.hours().count(),
                     of_day.minutes().count(), of_day.seconds().count(), static_cast<std::int64_t>(time.tv_usec));
}

}  // namespace

void CaptureFile::Close::operator()(pcap* capture) const { pcap_close(capture); }

Expected<CaptureFile, std::string> CaptureFile::open(const std::string& path) {
  char error[PCAP_ERRBUF_SIZE] = "";
  pcap* capture = pcap_open_offline(path.c_str(), error);
  // libpcap's message names the file where the system refuses it, but not where the contents are wrong.
  if (capture == nullptr)
    return Unexpected{std::string(error).starts_with(path) ? std::string(error) : fmt::format("{}: {}", path, error)};
  CaptureFile file(path, capture);
  if (!link_type_is_known(file.link_type())) {
    const char* name = pcap_datalink_val_to_name(file.link_type());
    return Unexpected{fmt::format(
        "{}: link type {} ({}) is not one that can be read; Ethernet, raw IP, raw IPv6, Linux cooked and BSD loopback are",
        path, file.link_type(), name != nullptr ? name : "unknown")};
  }
  return file;
}

int CaptureFile::link_type() const { return pcap_datalink(capture_.get()); }

Expected<std::optional<CapturedFrame>, std::string> CaptureFile::next() {
  pcap_pkthdr* header = nullptr;
  const u_char* octets = nullptr;
  switch (pcap_next_ex(capture_.get(), &header, &octets)) {
    case 1: return std::optional(CapturedFrame{BytesView(octets, header->caplen), header->len, utc(header->ts)});
    case PCAP_ERROR_BREAK: return std::optional<CapturedFrame>{};
    default: {
      const long position = std::ftell(pcap_file(capture_.get()));
      const std::string where = position >= 0 ? fmt::format(" (octet {})", position) : "";
      return Unexpected{fmt::format("{}{}: {}", path_, where, pcap_geterr(capture_.get()))};
    }
  }
}

}  // namespace mipflow::tools
