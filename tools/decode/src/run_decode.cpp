// SPDX-License-Identifier: GPL-3.0-or-later
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <iostream>

#include "capture_file.hpp"
#include "hex_text.hpp"
#include "link_layer.hpp"
#include "mipflow/tools/decode.hpp"
#include "mipflow/wire/forwarding_messages.hpp"
#include "report.hpp"

namespace mipflow::tools {

namespace {

constexpr int kDecoded = 0;
constexpr int kInvalid = 1;
constexpr int kUnusable = 2;

constexpr std::size_t kIpv6HeaderDigits = 80;

void print_usage(std::ostream& out) {
  out << "usage: mipflow decode [OPTIONS] FILE...   the Mobile IPv6 packets of capture files (pcap or pcapng)\n"
         "       mipflow decode [OPTIONS] HEX...    packets written as hex digits, from the IPv6 header on\n"
         "       mipflow decode [OPTIONS] -         the same from standard input: lines of hex, or what tcpdump -x prints,\n"
         "                                          or what tcpdump -w - writes\n"
         "\n"
         "Says what each packet means and what is wrong with it, also inside tunnels and ICMPv6 errors. Of captures it shows\n"
         "what Mobile IPv6 touches: signalling, also between home agents, data with a Home Address option or type 2 routing header, tunnels.\n"
         "\n"
         "  --json         one JSON object per packet and line\n"
         "  --signalling   no data packets\n"
         "  --all          every IPv6 packet\n"
         "  --forwarding-port PORT\n"
         "                 the UDP port at which home agents that share the load talk, where it is not 6275 (had.toml: port)\n"
         "  --help         this text\n"
         "\n"
         "Several HEX arguments are one packet each, or together one packet when one of them is shorter than an IPv6 header.\n"
         "The offset of an error counts octets from the start of the IPv6 header.\n"
         "Exit codes: 0 everything was decoded, 1 at least one Mobile IPv6 packet is invalid, 2 wrong usage or unreadable input.\n";
}

enum class Selection { MobileIpv6, Signalling, All };

struct Options {
  bool json = false;
  bool help = false;
  Selection selection = Selection::MobileIpv6;
  std::uint16_t forwarding_port = wire::kDefaultForwardingPort;
  std::vector<std::string> inputs;
};

class Decoder {
 public:
  Decoder(const Options& options, std::ostream& out, std::ostream& err) : options_(options), out_(out), err_(err) {}

  bool capture(const std::string& path);
  void hex(BytesView packet);
  bool complain(const std::string& sentence) {
    err_ << "mipflow decode: " << sentence << '\n';
    unusable_ = true;
    return false;
  }
  int exit_code() const { return unusable_ ? kUnusable : invalid_ > 0 ? kInvalid : kDecoded; }

 private:
  void print(const Report& report, const Origin& origin);
  bool is_selected(const Report& report) const;

  const Options& options_;
  std::ostream& out_;
  std::ostream& err_;
  std::uint64_t number_ = 0;
  std::uint64_t invalid_ = 0;
  bool unusable_ = false;
};

bool Decoder::is_selected(const Report& report) const {
  switch (options_.selection) {
    case Selection::MobileIpv6: return report.is_mobile_ipv6;
    case Selection::Signalling: return report.is_signalling || (report.is_mobile_ipv6 && !report.valid());
    case Selection::All: return true;
  }
  return true;
}

void Decoder::print(const Report& report, const Origin& origin) {
  out_ << (options_.json ? to_json(report, origin) + "\n" : to_text(report, origin));
  if (!report.valid()) ++invalid_;
}

void Decoder::hex(BytesView packet) {
  ++number_;
  // What somebody types in is shown whatever it is.
  const auto carried = ipv6_in_ip(packet);
  print(describe_packet(carried ? carried->packet : packet, options_.forwarding_port),
        {number_, std::nullopt, carried ? carried->carried_in : ""});
}

bool Decoder::capture(const std::string& path) {
  auto file = CaptureFile::open(path);
  if (!file) return complain(file.error());
  std::uint64_t frames = 0;
  std::uint64_t shown = 0;
  const std::uint64_t invalid_before = invalid_;
  for (;;) {
    const auto frame = file->next();
    if (!frame) return complain(frame.error());
    if (!*frame) break;
    ++frames;
    const auto carried = ipv6_in_frame(file->link_type(), (*frame)->octets);
    if (!carried) continue;
    Report report = describe_packet(carried->packet, options_.forwarding_port);
    if (report.problem && report.problem->kind == "truncated" && (*frame)->octets.size() < (*frame)->length)
      report.problem->explanation = fmt::format("the capture holds only {} of the frame's {} octets; capture with -s 0",
                                                (*frame)->octets.size(), (*frame)->length);
    if (!is_selected(report)) continue;
    ++shown;
    print(report, {frames, (*frame)->time, carried->carried_in});
  }
  if (!options_.json)
    out_ << fmt::format("{}: {} packets, {} shown, {} of these invalid\n", path, frames, shown, invalid_ - invalid_before);
  return true;
}

bool parse_port(const std::string& text, std::uint16_t& port) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc{} && end == text.data() + text.size() && port != 0;
}

// Empty: `options` is filled. Otherwise what is wrong.
std::string parse_arguments(const std::vector<std::string>& arguments, Options& options) {
  const std::string port_option = "--forwarding-port";
  bool options_end = false;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (options_end || argument == "-" || !argument.starts_with('-')) {
      options.inputs.push_back(argument);
    } else if (argument == "--") {
      options_end = true;
    } else if (argument == "--json") {
      options.json = true;
    } else if (argument == "--all") {
      options.selection = Selection::All;
    } else if (argument == "--signalling") {
      options.selection = Selection::Signalling;
    } else if (argument == port_option || argument.starts_with(port_option + "=")) {
      const bool stands_behind = argument == port_option;
      if (stands_behind && ++i == arguments.size()) return "--forwarding-port needs a port number";
      const std::string port = stands_behind ? arguments[i] : argument.substr(port_option.size() + 1);
      if (!parse_port(port, options.forwarding_port))
        return fmt::format("--forwarding-port '{}' is no UDP port: a number from 1 to 65535", port);
    } else if (argument == "--help" || argument == "-h") {
      options.help = true;
    } else {
      return fmt::format("there is no option '{}'; 'mipflow decode --help' lists the options", argument);
    }
  }
  if (options.inputs.empty() && !options.help)
    return "name a capture file, give hex digits, or '-' for standard input; 'mipflow decode --help' says more";
  return "";
}

bool is_file(const std::string& argument) {
  std::error_code ignored;
  return std::filesystem::exists(argument, ignored);
}

// libpcap reads captures from the C library's standard input; hex comes as text. The first octet of a pcap file in either
// byte order tells them apart.
bool holds_capture(std::istream& in) {
  if (&in != &std::cin) return false;
  const int first = in.peek();
  return first == 0xa1 || first == 0xd4 || first == 0x4d;
}

bool decode_standard_input(std::istream& in, Decoder& decoder) {
  if (holds_capture(in)) return decoder.capture("-");
  const auto packets = read_hex_packets(in);
  if (!packets) return decoder.complain("standard input: " + packets.error());
  if (packets->empty()) return decoder.complain("standard input: no hex digits");
  for (const Bytes& packet : *packets) decoder.hex(packet);
  return true;
}

bool decode_hex_arguments(const std::vector<std::string>& arguments, Decoder& decoder) {
  std::vector<std::string> packets = arguments;
  if (std::ranges::any_of(arguments, [](const std::string& hex) { return hex.size() < kIpv6HeaderDigits; })) {
    std::string whole;
    for (const std::string& part : arguments) whole += part + " ";
    packets = {whole};
  }
  for (const std::string& hex : packets) {
    const auto packet = parse_hex(hex);
    if (!packet) return decoder.complain("hex digits: " + packet.error());
    decoder.hex(*packet);
  }
  return true;
}

}  // namespace

int run_decode(const std::vector<std::string>& arguments, std::ostream& out, std::ostream& err) {
  return run_decode(arguments, std::cin, out, err);
}

int run_decode(const std::vector<std::string>& arguments, std::istream& in, std::ostream& out, std::ostream& err) {
  Options options;
  const std::string wrong = parse_arguments(arguments, options);
  Decoder decoder(options, out, err);
  if (!wrong.empty()) {
    decoder.complain(wrong);
    return decoder.exit_code();
  }
  if (options.help) {
    print_usage(out);
    return kDecoded;
  }

  std::vector<std::string> hex;
  for (const std::string& input : options.inputs) {
    if (input == "-") {
      if (!decode_standard_input(in, decoder)) break;
    } else if (is_file(input)) {
      if (!decoder.capture(input)) break;
    } else if (looks_like_hex(input)) {
      hex.push_back(input);
    } else {
      decoder.complain(fmt::format("'{}' is neither a file nor hex digits", input));
      break;
    }
  }
  if (!hex.empty()) decode_hex_arguments(hex, decoder);
  return decoder.exit_code();
}

}  // namespace mipflow::tools
