// SPDX-License-Identifier: GPL-3.0-or-later
// mipflow-lab-impair: a bad network for kernels without netem. See --help.
#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/program_options.hpp>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <iostream>
#include <random>
#include <stdexcept>
#include <string>

#include "../traffic/clock.hpp"
#include "impairment.hpp"
#include "packet_log.hpp"
#include "tun_device.hpp"

namespace {

namespace po = boost::program_options;
using namespace mipflow;
using namespace mipflow::lab;

constexpr const char* kUsage =
    "usage: mipflow-lab-impair --device NAME  OPTIONS\n\n"
    "Makes a tun device. What is routed into it comes out of it again, unless it is lost, later, and maybe twice.\n"
    "SIGINT or SIGTERM end it when everything that it holds has gone out, and write the summary.\n"
    "Exit code: 0 done, 1 failed, 2 usage.\n\n";

struct Options {
  std::string device;
  ImpairmentProfile profile;
  std::uint64_t seed = 0;
  std::string log;
  std::string summary;
};

po::options_description describe() {
  po::options_description out("Options");
  out.add_options()
    ("device", po::value<std::string>(), "name of the device")
    ("loss", po::value<double>()->default_value(0), "part of the packets that is lost, 0 to 1")
    ("duplicate", po::value<double>()->default_value(0), "part of the others that comes twice")
    ("reorder", po::value<double>()->default_value(0), "part that comes later than packets behind it")
    ("reorder-by", po::value<double>()->default_value(20), "so much later, in ms")
    ("delay", po::value<double>()->default_value(0), "of every packet, in ms")
    ("seed", po::value<std::uint64_t>(), "of the random numbers; the summary has it")
    ("log", po::value<std::string>()->default_value(""), "CSV file with every packet that was lost or came twice")
    ("summary", po::value<std::string>()->default_value(""), "JSON file with the counters; standard output when absent")
    ("help,h", "this text");
  return out;
}

double part(const po::variables_map& values, const char* name) {
  const double out = values[name].as<double>();
  if (!(out >= 0 && out <= 1)) throw std::invalid_argument(std::string("--") + name + " has to be from 0 to 1");
  return out;
}

Duration milliseconds(const po::variables_map& values, const char* name) {
  const double out = values[name].as<double>();
  if (!(out >= 0 && out <= 60'000)) throw std::invalid_argument(std::string("--") + name + " has to be from 0 to 60000 ms");
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double, std::milli>(out));
}

Options read_options(const po::variables_map& values) {
  if (values.count("device") == 0) throw std::invalid_argument("--device is missing");
  Options out;
  out.device = values["device"].as<std::string>();
  out.profile = {.loss = part(values, "loss"),
                 .duplicate = part(values, "duplicate"),
                 .reorder = part(values, "reorder"),
                 .reorder_by = milliseconds(values, "reorder-by"),
                 .delay = milliseconds(values, "delay")};
  out.seed = values.count("seed") > 0 ? values["seed"].as<std::uint64_t>() : std::random_device{}();
  out.log = values["log"].as<std::string>();
  out.summary = values["summary"].as<std::string>();
  return out;
}

TimePoint now() { return TimePoint(Duration(monotonic_nanoseconds())); }

class Program {
 public:
  Program(const Options& options, int signals)
      : device_(options.device), random_(options.seed), impairment_(options.profile, random_), log_(options.log), signals_(signals) {}

  // Until a signal came and nothing is held any more.
  void run() {
    while (!ending_ || impairment_.next_due() != kNever) {
      wait();
      receive();
      while (const auto packet = impairment_.take_due(now()))
        if (!device_.write(*packet)) ++refused_;
    }
  }

  void summarise(std::uint64_t seed, std::ostream& out) const {
    const ImpairmentCounters& c = impairment_.counters();
    out << "{\"seed\": " << seed << ", \"received\": " << c.received << ", \"received_octets\": " << c.received_octets << ", \"lost\": " << c.lost
        << ", \"crowded_out\": " << c.crowded_out << ", \"passed\": " << c.passed << ", \"duplicated\": " << c.duplicated
        << ", \"reordered\": " << c.reordered << ", \"refused\": " << refused_ << "}\n";
  }

 private:
  static constexpr int kBatch = 64;  // packets read before those that are due go out

  void wait() {
    std::array<pollfd, 2> waiting{pollfd{device_.descriptor(), POLLIN, 0}, pollfd{signals_, POLLIN, 0}};
    timespec limit{};
    const timespec* until = nullptr;
    if (const TimePoint due = impairment_.next_due(); due != kNever) {
      const auto left = std::max(Duration{}, due - now()).count();
      limit = {.tv_sec = static_cast<time_t>(left / 1'000'000'000), .tv_nsec = static_cast<long>(left % 1'000'000'000)};
      until = &limit;
    }
    // Once it ends the signal is not waited for again.
    if (::ppoll(waiting.data(), ending_ ? 1 : 2, until, nullptr) > 0 && !ending_ && (waiting[1].revents & POLLIN) != 0) ending_ = true;
  }

  void receive() {
    for (int count = 0; ending_ || count < kBatch; ++count) {
      auto packet = device_.read();
      if (!packet) return;
      const auto wall = wall_nanoseconds();
      const Bytes copy = *packet;
      switch (impairment_.receive(std::move(*packet), now())) {
        case Fate::Passed: break;
        case Fate::Duplicated: log_.add(wall, "duplicated", copy); break;
        case Fate::Lost: log_.add(wall, "lost", copy); break;
        case Fate::CrowdedOut: log_.add(wall, "crowded-out", copy); break;
      }
    }
  }

  TunDevice device_;
  SeededRandom random_;
  Impairment impairment_;
  PacketLog log_;
  int signals_;
  std::uint64_t refused_ = 0;  // by the kernel
  bool ending_ = false;
};

int run(const Options& options, int signals) {
  if (!prefer_this_process()) std::cerr << "mipflow-lab-impair: no real-time priority, times are less precise\n";
  Program program(options, signals);
  program.run();
  if (options.summary.empty()) {
    program.summarise(options.seed, std::cout);
    return EXIT_SUCCESS;
  }
  std::ofstream file(options.summary);
  program.summarise(options.seed, file);
  if (!file.flush()) throw std::runtime_error("can not write " + options.summary);
  return EXIT_SUCCESS;
}

}  // namespace

int main(int argc, char** argv) {
  sigset_t ending;
  sigemptyset(&ending);
  sigaddset(&ending, SIGINT);
  sigaddset(&ending, SIGTERM);
  sigprocmask(SIG_BLOCK, &ending, nullptr);
  const platform::FileDescriptor signals(::signalfd(-1, &ending, SFD_CLOEXEC | SFD_NONBLOCK));

  const auto options = describe();
  try {
    po::variables_map values;
    po::store(po::parse_command_line(argc, argv, options), values);
    po::notify(values);
    if (values.count("help") > 0) {
      std::cout << kUsage << options;
      return EXIT_SUCCESS;
    }
    return run(read_options(values), signals.get());
  } catch (const po::error& error) {
    std::cerr << "mipflow-lab-impair: " << error.what() << "\n" << kUsage;
    return 2;
  } catch (const std::invalid_argument& error) {
    std::cerr << "mipflow-lab-impair: " << error.what() << "\n";
    return 2;
  } catch (const std::exception& error) {
    std::cerr << "mipflow-lab-impair: " << error.what() << "\n";
    return EXIT_FAILURE;
  }
}
