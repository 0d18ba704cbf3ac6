// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "mipflow/base/bytes.hpp"
#include "mipflow/base/expected.hpp"

struct pcap;

namespace mipflow::tools {

struct CapturedFrame {
  BytesView octets;         // valid until the next call
  std::size_t length = 0;   // on the wire; larger than octets.size() when the capture cut the frame
  std::string time;         // UTC
};

// A pcap or pcapng file, read frame by frame with libpcap.
class CaptureFile {
 public:
  // Errors are whole sentences that name the file. "-" is standard input.
  static Expected<CaptureFile, std::string> open(const std::string& path);

  int link_type() const;
  // nullopt at the end of the file.
  Expected<std::optional<CapturedFrame>, std::string> next();

 private:
  struct Close {
    void operator()(pcap* capture) const;
  };
  CaptureFile(std::string path, pcap* capture) : path_(std::move(path)), capture_(capture) {}

  std::string path_;
  std::unique_ptr<pcap, Close> capture_;
};

}  // namespace mipflow::tools
