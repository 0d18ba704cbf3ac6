// SPDX-License-Identifier: GPL-3.0-or-later
// `mipflow decode` on capture files: formats, link types, selection, broken files.
#include <pcap/pcap.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "mipflow/tools/decode.hpp"
#include "mipflow/wire/packet.hpp"
#include "vectors.hpp"

using namespace mipflow;
using namespace mipflow::test;

namespace {

// A file name of its own that is gone at the end of the test.
class TemporaryFile {
 public:
  TemporaryFile() {
    std::string name = (std::filesystem::temp_directory_path() / "mipflow-decode-XXXXXX").string();
    const int descriptor = mkstemp(name.data());
    REQUIRE(descriptor >= 0);
    close(descriptor);
    path_ = name;
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  const std::string& path() const { return path_; }
  void write(const Bytes& bytes) const {
    std::ofstream file(path_, std::ios::binary);
    file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  }
  Bytes read() const {
    std::ifstream file(path_, std::ios::binary);
    return Bytes(std::istreambuf_iterator<char>(file), {});
  }

 private:
  std::string path_;
};

struct Frame {
  Bytes octets;
  std::size_t length = 0;  // on the wire; 0: as many as there are
};

void write_pcap(const TemporaryFile& file, int link_type, const std::vector<Frame>& frames) {
  pcap_t* dead = pcap_open_dead(link_type, 262'144);
  pcap_dumper_t* dumper = pcap_dump_open(dead, file.path().c_str());
  REQUIRE(dumper != nullptr);
  for (const Frame& frame : frames) {
    pcap_pkthdr header{};
    header.ts.tv_sec = 1'700'000'000;
    header.ts.tv_usec = 42;
    header.caplen = static_cast<bpf_u_int32>(frame.octets.size());
    header.len = static_cast<bpf_u_int32>(frame.length != 0 ? frame.length : frame.octets.size());
    pcap_dump(reinterpret_cast<u_char*>(dumper), &header, frame.octets.data());
  }
  pcap_dump_close(dumper);
  pcap_close(dead);
}

Bytes behind(std::string_view link_header_hex, const Bytes& packet) {
  Bytes frame = from_hex(link_header_hex);
  frame.insert(frame.end(), packet.begin(), packet.end());
  return frame;
}

struct Result {
  int code;
  std::vector<nlohmann::json> reports;
  std::string out;
  std::string err;
};

Result decode(const TemporaryFile& file, std::vector<std::string> options = {}) {
  options.insert(options.begin(), {"--json", file.path()});
  std::ostringstream out;
  std::ostringstream err;
  Result result{tools::run_decode(options, out, err), {}, out.str(), err.str()};
  std::istringstream lines(result.out);
  for (std::string line; std::getline(lines, line);) result.reports.push_back(nlohmann::json::parse(line));
  return result;
}

const Bytes& update() { return vector_named("bu_home_first").packet; }
const Bytes& plain_udp() {
  static const Bytes packet = wire::build_packet_around({address("2001:db8::1"), address("2001:db8::2")}, 17, from_hex("0001000200080000"));
  return packet;
}

constexpr const char* kEthernet = "020000000001020000000002" "86dd";

}  // namespace

TEST_CASE("every link type") {
  struct Row {
    const char* name;
    int link_type;
    Bytes frame;
  };
  for (const Row& row : {
           Row{"Ethernet", DLT_EN10MB, behind(kEthernet, update())},
           Row{"Ethernet with a VLAN tag", DLT_EN10MB, behind("020000000001020000000002" "81000064" "86dd", update())},
           Row{"Ethernet with two VLAN tags", DLT_EN10MB, behind("020000000001020000000002" "88a80064" "81000065" "86dd", update())},
           Row{"Ethernet with padding", DLT_EN10MB, [] {
                 Bytes frame = behind(kEthernet, update());
                 frame.resize(frame.size() + 10);
                 return frame;
               }()},
           Row{"raw IP", DLT_RAW, update()},
           Row{"raw IPv6", DLT_IPV6, update()},
           Row{"Linux cooked v1", DLT_LINUX_SLL, behind("0000" "0001" "0006" "0200000000010000" "86dd", update())},
           Row{"Linux cooked v2", DLT_LINUX_SLL2, behind("86dd" "0000" "00000003" "0001" "00" "06" "0200000000010000", update())},
           Row{"BSD loopback", DLT_NULL, behind("1e000000", update())},
       }) {
    INFO(row.name);
    const TemporaryFile file;
    write_pcap(file, row.link_type, {{row.frame}});
    const Result result = decode(file);
    CHECK(result.code == 0);
    CHECK(result.err.empty());
    REQUIRE(result.reports.size() == 1);
    CHECK(result.reports[0].at("message").at("sequence") == 4660);
    CHECK(result.reports[0].at("time") == "2023-11-14T22:13:20.000042Z");
    CHECK(result.reports[0].at("number") == 1);
  }
}

TEST_CASE("pcapng") {
  // Section Header, Interface Description (raw IP), one Enhanced Packet, in the byte order of the writer.
  const auto little = [](Bytes& out, std::uint64_t value, int octets) {
    for (int i = 0; i < octets; ++i) out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
  };
  Bytes bytes;
  const auto block = [&](std::uint32_t type, Bytes body) {
    body.resize((body.size() + 3) / 4 * 4);
    little(bytes, type, 4);
    little(bytes, body.size() + 12, 4);
    bytes.insert(bytes.end(), body.begin(), body.end());
    little(bytes, body.size() + 12, 4);
  };
  Bytes section;
  little(section, 0x1a2b3c4d, 4);
  little(section, 1, 2);
  little(section, 0, 2);
  little(section, ~0ull, 8);
  block(0x0a0d0d0a, section);
  Bytes interface;
  little(interface, 101, 2);
  little(interface, 0, 2);
  little(interface, 0, 4);
  block(1, interface);
  Bytes packet;
  const std::uint64_t microseconds = 1'700'000'000'000'042;
  little(packet, 0, 4);
  little(packet, microseconds >> 32, 4);
  little(packet, microseconds & 0xffffffff, 4);
  little(packet, update().size(), 4);
  little(packet, update().size(), 4);
  packet.insert(packet.end(), update().begin(), update().end());
  block(6, packet);

  const TemporaryFile file;
  file.write(bytes);
  const Result result = decode(file);
  CHECK(result.err.empty());
  REQUIRE(result.reports.size() == 1);
  CHECK(result.reports[0].at("message").at("sequence") == 4660);
  CHECK(result.reports[0].at("time") == "2023-11-14T22:13:20.000042Z");
}

TEST_CASE("of a capture only Mobile IPv6 is shown, unless asked otherwise") {
  const TemporaryFile file;
  const Bytes ipv4 = from_hex("450000140000000040110000c0000201c0000202");
  write_pcap(file, DLT_RAW, {{plain_udp()},
                             {update()},
                             {ipv4},
                             {vector_named("udp_hao").packet},
                             {wire::encapsulate(plain_udp(), address("2001:db8:200::5"), address("2001:db8:100::1"))},
                             {vector_named("hoti_reverse_tunnelled").packet},
                             {vector_named("ns_dad_home_address").packet}});
  const auto numbers = [](const Result& result) {
    std::vector<int> out;
    for (const auto& report : result.reports) out.push_back(report.at("number"));
    return out;
  };
  CHECK(numbers(decode(file)) == std::vector{2, 4, 5, 6});
  CHECK(numbers(decode(file, {"--signalling"})) == std::vector{2, 6});
  CHECK(numbers(decode(file, {"--all"})) == std::vector{1, 2, 4, 5, 6, 7});

  std::ostringstream out;
  std::ostringstream err;
  CHECK(tools::run_decode({file.path()}, out, err) == 0);
  CHECK(out.str().ends_with(file.path() + ": 7 packets, 4 shown, 0 of these invalid\n"));
}

TEST_CASE("one invalid packet among good ones gives exit code 1, and the others are decoded") {
  const TemporaryFile file;
  write_pcap(file, DLT_RAW, {{update()}, {vector_named("rh2_segleft_2").packet}, {update()}});
  const Result result = decode(file);
  CHECK(result.code == 1);
  REQUIRE(result.reports.size() == 3);
  CHECK(result.reports[1].at("error").at("kind") == "routing-header-wrong");
  CHECK(result.reports[2].at("valid") == true);
}

TEST_CASE("a frame that the capture cut says so") {
  const TemporaryFile file;
  Bytes cut = update();
  cut.resize(80);
  write_pcap(file, DLT_RAW, {{cut, update().size()}});
  const Result result = decode(file);
  CHECK(result.code == 1);
  REQUIRE(result.reports.size() == 1);
  CHECK(result.reports[0].at("error").at("kind") == "truncated");
  CHECK(result.reports[0].at("error").at("explanation") == "the capture holds only 80 of the frame's 96 octets; capture with -s 0");
}

TEST_CASE("files that can not be read are named, with the octet") {
  const TemporaryFile file;
  SECTION("no capture at all") {
    file.write(from_hex("000102030405060708090a0b0c0d0e0f1011121314151617"));
    const Result result = decode(file);
    CHECK(result.code == 2);
    CHECK(result.reports.empty());
    CHECK(result.err.starts_with("mipflow decode: " + file.path() + ": "));
  }
  SECTION("empty") {
    const Result result = decode(file);
    CHECK(result.code == 2);
    CHECK(result.err.starts_with("mipflow decode: " + file.path() + ": "));
  }
  SECTION("ends in the middle of a packet: what was before is shown") {
    write_pcap(file, DLT_RAW, {{update()}, {update()}});
    Bytes bytes = file.read();
    bytes.resize(bytes.size() - 5);
    file.write(bytes);
    const Result result = decode(file);
    CHECK(result.code == 2);
    CHECK(result.reports.size() == 1);
    CHECK(result.err.starts_with("mipflow decode: " + file.path() + " (octet " + std::to_string(bytes.size()) + "): truncated"));
  }
  SECTION("a link type that is not read") {
    write_pcap(file, DLT_IEEE802_11_RADIO, {{update()}});
    const Result result = decode(file);
    CHECK(result.code == 2);
    CHECK(result.err.find("link type 127 (IEEE802_11_RADIO)") != std::string::npos);
  }
}

TEST_CASE("no cut of a capture file does harm") {
  const TemporaryFile file;
  write_pcap(file, DLT_EN10MB, {{behind(kEthernet, update())}});
  const Bytes whole = file.read();
  for (std::size_t length = 0; length < whole.size(); ++length) {
    file.write(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)));
    // Without any packet behind its 24 octets a capture is whole.
    CHECK(decode(file).code == (length == 24 ? 0 : 2));
  }
}
