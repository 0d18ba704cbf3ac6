// SPDX-License-Identifier: GPL-3.0-or-later
// mipflow-lab-traffic: flows whose every packet is accounted for. See --help.
#include <signal.h>

#include <boost/program_options.hpp>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "clock.hpp"
#include "socket.hpp"
#include "streams.hpp"

namespace {

namespace po = boost::program_options;
using namespace mipflow::lab;

constexpr const char* kUsage =
    "usage: mipflow-lab-traffic udp | tcp --listen [ADDRESS]:PORT | --connect [ADDRESS]:PORT  OPTIONS\n"
    "       mipflow-lab-traffic accept --listen [ADDRESS]:PORT\n"
    "       mipflow-lab-traffic connect-latency --connect [ADDRESS]:PORT  OPTIONS\n\n"
    "udp              a numbered stream of datagrams in each direction\n"
    "tcp              a paced, checked transfer in each direction\n"
    "accept           takes and closes connections: the peer of connect-latency\n"
    "connect-latency  how long connect() takes, each time over a new flow\n\n"
    "SIGINT or SIGTERM end a measure properly: with its log and its summary, and its peer ends too.\n"
    "Exit code: 0 done, 1 the measure failed, 2 usage.\n\n";

po::options_description describe() {
  po::options_description out("Options");
  out.add_options()
    ("listen", po::value<std::string>(), "wait for the peer at this endpoint")
    ("connect", po::value<std::string>(), "begin with this peer")
    ("local", po::value<std::string>(), "own endpoint of the beginning side; port 0 lets the kernel choose")
    ("rate", po::value<double>(), "this end sends: udp packets/s, tcp megabits/s (0 = nothing), connect-latency connections/s")
    ("size", po::value<std::size_t>()->default_value(64), "udp: payload in octets, 32 to 65000")
    ("seconds", po::value<double>()->default_value(0), "end after this time; 0 = when stopped")
    ("ports", po::value<std::uint16_t>()->default_value(1), "connect-latency: so many local ports from --local on take turns")
    ("count", po::value<std::size_t>()->default_value(1000), "connect-latency: number of connections")
    ("log", po::value<std::string>()->default_value(""), "CSV file with every packet")
    ("summary", po::value<std::string>()->default_value(""), "JSON file with the figures; standard output when absent")
    ("help,h", "this text");
  return out;
}

std::optional<sockaddr_in6> endpoint(const po::variables_map& values, const char* name) {
  if (values.count(name) == 0) return std::nullopt;
  return parse_endpoint(values[name].as<std::string>());
}

sockaddr_in6 required_endpoint(const po::variables_map& values, const char* name) {
  const auto out = endpoint(values, name);
  if (!out) throw std::invalid_argument(std::string("--") + name + " is missing");
  return *out;
}

double rate_or(const po::variables_map& values, double otherwise) {
  const double rate = values.count("rate") > 0 ? values["rate"].as<double>() : otherwise;
  if (!(rate >= 0 && rate <= 1e6)) throw std::invalid_argument("--rate has to be between 0 and 1000000");
  return rate;
}

StreamOptions stream_options(const po::variables_map& values) {
  StreamOptions out;
  out.listen = endpoint(values, "listen");
  out.connect = endpoint(values, "connect");
  out.local = endpoint(values, "local");
  if (out.listen.has_value() == out.connect.has_value())
    throw std::invalid_argument("exactly one of --listen and --connect is needed");
  out.rate = rate_or(values, 0);
  out.size = values["size"].as<std::size_t>();
  if (out.size < 32 || out.size > 65000) throw std::invalid_argument("--size has to be between 32 and 65000");
  out.seconds = values["seconds"].as<double>();
  out.log = values["log"].as<std::string>();
  out.summary = values["summary"].as<std::string>();
  return out;
}

int dispatch(const std::string& command, const po::variables_map& values, const std::atomic<bool>& stop) {
  if (command == "udp") return run_udp_stream(stream_options(values), stop);
  if (command == "tcp") return run_tcp_stream(stream_options(values), stop);
  if (command == "accept") return run_accept(required_endpoint(values, "listen"), stop);
  if (command == "connect-latency") {
    ConnectLatencyOptions options;
    options.connect = required_endpoint(values, "connect");
    options.local = endpoint(values, "local");
    options.ports = std::max<std::uint16_t>(1, values["ports"].as<std::uint16_t>());
    options.count = values["count"].as<std::size_t>();
    options.rate = rate_or(values, options.rate);
    if (options.rate <= 0) throw std::invalid_argument("--rate has to be above 0 here");
    options.log = values["log"].as<std::string>();
    options.summary = values["summary"].as<std::string>();
    return run_connect_latency(options, stop);
  }
  throw std::invalid_argument("there is no measure '" + command + "'");
}

// Sets `stop` when SIGINT or SIGTERM comes; ends when `done` is set.
void wait_for_signal(const sigset_t& signals, std::atomic<bool>& stop, const std::atomic<bool>& done) {
  const timespec tick{.tv_sec = 0, .tv_nsec = 20'000'000};
  while (!done)
    if (sigtimedwait(&signals, nullptr, &tick) > 0) stop = true;
}

}  // namespace

int main(int argc, char** argv) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  const auto options = describe();
  std::string command;
  po::variables_map values;
  try {
    if (argc > 1 && argv[1][0] != '-') command = argv[1];
    const std::vector<std::string> arguments(argv + (command.empty() ? 1 : 2), argv + argc);
    po::store(po::command_line_parser(arguments).options(options).run(), values);
    po::notify(values);
    if (values.count("help") > 0) {
      std::cout << kUsage << options;
      return 0;
    }
    if (command.empty()) throw std::invalid_argument("the first argument names the measure: udp, tcp, accept or connect-latency");
  } catch (const std::exception& error) {
    std::cerr << "mipflow-lab-traffic: " << error.what() << "\n" << kUsage;
    return 2;
  }

  if (!prefer_this_process()) std::cerr << "mipflow-lab-traffic: no real-time priority, times are less precise\n";
  std::atomic<bool> stop{false};
  std::atomic<bool> done{false};
  std::thread waiter(wait_for_signal, std::cref(signals), std::ref(stop), std::cref(done));
  int code = 1;
  try {
    code = dispatch(command, values, stop);
  } catch (const std::invalid_argument& error) {
    std::cerr << "mipflow-lab-traffic: " << error.what() << "\n";
    code = 2;
  } catch (const std::exception& error) {
    std::cerr << "mipflow-lab-traffic: " << error.what() << "\n";
  }
  done = true;
  waiter.join();
  return code;
}
