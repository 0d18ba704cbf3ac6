// SPDX-License-Identifier: GPL-3.0-or-later
#include "primary_bench.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <utility>

namespace mipflow::home_agent::test {

namespace {

constexpr std::size_t kHeaders = 40 + 8;  // IPv6, UDP

BytesView payload_of(const Bytes& packet) {
  REQUIRE(packet.size() > kHeaders);
  return BytesView(packet).subspan(kHeaders);
}
Address destination_of(const Bytes& packet) {
  Address out;
  std::copy_n(packet.begin() + 24, 16, out.octets.begin());
  return out;
}
// Stands for a Binding Acknowledgement: nobody looks into it.
const OutgoingPacket kAnswer{.packet = Bytes{1}};

}  // namespace

Address home_address_of(unsigned number) {
  Address out = *Address::parse("2001:db8:100::a:0:0");
  out.octets[13] = static_cast<std::uint8_t>(number >> 16);
  out.octets[14] = static_cast<std::uint8_t>(number >> 8);
  out.octets[15] = static_cast<std::uint8_t>(number);
  return out;
}

FakeSecondary::FakeSecondary(std::string name_, unsigned number) : name(std::move(name_)) {
  address = *Address::parse("2001:db8:100::b:0");
  address.octets[15] = static_cast<std::uint8_t>(number);
  key = Bytes(32, static_cast<std::uint8_t>(number));
  own_ = {.address = address, .session = number * 1'000'000};
  restart(false);
}

void FakeSecondary::restart(bool keeps) {
  ++own_.session;
  association_ = std::make_unique<Association>(own_, kPrimaryAgent, key);
  packets = 0;
  if (keeps) return;
  serving.clear();
  numbers.clear();
}

std::size_t FakeSecondary::count(const std::string& what) const {
  return static_cast<std::size_t>(std::count_if(heard.begin(), heard.end(), [&](const Said& said) { return said.what == what; }));
}

std::vector<OutgoingPacket> FakeSecondary::receive(const Bytes& packet, Now now) {
  std::vector<OutgoingPacket> out;
  if (!on) return out;
  auto opened = association_->open(payload_of(packet), now.monotonic);
  if (opened.answer) out.push_back(*opened.answer);
  if (opened.verdict != Association::Verdict::Believed) return out;
  if (auto records = answer(opened.records, now))
    if (auto sealed = association_->seal(std::move(*records))) out.push_back(std::move(*sealed));
  return out;
}

std::optional<wire::ForwardingRecords> FakeSecondary::answer(const wire::ForwardingRecords& records, Now now) {
  using Status = wire::ForwardingStatus;
  if (const auto* starts = std::get_if<std::vector<wire::StartForwarding>>(&records)) {
    std::vector<wire::StartForwardingAcknowledgement> out;
    for (const auto& start : *starts) {
      heard.push_back({"start", start.home_address, start.number, now.monotonic});
      wire::DelegationNumber& highest = numbers[start.home_address];
      if (start.number < highest) {
        out.push_back({start.home_address, highest, Status::NumberOld});
        continue;
      }
      const Status status = judge ? judge(start) : Status::Accepted;
      if (status == Status::Accepted) {
        serving[start.home_address] = start;
        highest = start.number;
      }
      out.push_back({start.home_address, start.number, status});
    }
    return out;
  }
  if (const auto* stops = std::get_if<std::vector<wire::StopForwarding>>(&records)) {
    std::vector<wire::StopForwardingAcknowledgement> out;
    for (const auto& stop : *stops) {
      heard.push_back({"stop", stop.home_address, stop.number, now.monotonic});
      wire::DelegationNumber& highest = numbers[stop.home_address];
      if (stop.number < highest) {
        out.push_back({stop.home_address, highest, 0, 0, Status::NumberOld});
        continue;
      }
      highest = stop.number;
      out.push_back({stop.home_address, stop.number, 0, 0, serving.erase(stop.home_address) > 0 ? Status::Accepted : Status::NotForwarding});
    }
    return out;
  }
  if (const auto* heartbeats = std::get_if<std::vector<wire::Heartbeat>>(&records))
    return std::vector{wire::HeartbeatAcknowledgement{heartbeats->front().number, packets, static_cast<std::uint32_t>(serving.size()),
                                                      capacity, retiring}};
  return std::nullopt;
}

std::vector<OutgoingPacket> FakeSecondary::report(const Address& home_address, std::uint64_t count) {
  auto sealed = association_->seal(std::vector{wire::ForwardingReport{home_address, numbers[home_address], count, count * 100}});
  return sealed ? std::vector{*sealed} : std::vector<OutgoingPacket>{};
}

Bench::Bench(std::size_t count, const std::function<void(LoadSharing&)>& change) {
  for (unsigned number = 1; number <= count; ++number) {
    secondaries.push_back(std::make_unique<FakeSecondary>(std::string(1, static_cast<char>('a' + number - 1)), number));
    configuration.secondaries.push_back({secondaries.back()->name, secondaries.back()->address, secondaries.back()->key, 1});
  }
  configuration.division = Division::Manual;
  if (change) change(configuration);
  build({});
}

void Bench::build(const std::vector<PersistedDelegation>& restored) {
  primary.reset();
  own_ = {.address = kPrimaryAgent, .session = ++sessions_};
  plan_ = {};
  defence_ = std::make_unique<NeighbourDefence>(plan_);
  interception_ = std::make_unique<Interception>(plan_, *defence_);
  primary = std::make_unique<Primary>(Primary::Parts{configuration, own_, *interception_, counters}, restored, now);
}

void Bench::restart(const std::vector<PersistedDelegation>& restored) { build(restored); }

void Bench::bind(unsigned number, Address care_of_address, Duration lifetime, bool link_local) {
  primary->bound({home_address_of(number), care_of_address, now.monotonic + lifetime, link_local}, now.monotonic, now, outputs_);
}
void Bench::unbind(unsigned number) { primary->unbound(home_address_of(number), now, outputs_); }
void Bench::answer(unsigned number) {
  primary->answer(home_address_of(number), kAnswer, now, outputs_);
  // One that does not wait is there before any other message can arrive.
  const auto is_answer = [](const OutgoingPacket& packet) { return packet.packet == kAnswer.packet; };
  answers_ += std::erase_if(outputs_.packets, is_answer);
}

bool Bench::is_lost(const Bytes& packet, const Address& source, const Address& destination, const Bytes& key, bool to_secondary) const {
  if (!lose) return false;
  const auto message = wire::decode_forwarding_message(payload_of(packet), key, source, destination);
  return message && lose(message->records, to_secondary);
}

void Bench::receive(const OutgoingPacket& packet, const Address& from) {
  primary->handle(from, payload_of(packet.packet), now, outputs_);
}

void Bench::deliver() {
  for (int rounds = 0; !outputs_.packets.empty(); ++rounds) {
    REQUIRE(rounds < 1'000);
    const Outputs now_out = std::exchange(outputs_, {});
    notices_.insert(notices_.end(), now_out.notices.begin(), now_out.notices.end());
    for (const OutgoingPacket& packet : now_out.packets) {
      if (packet.packet == kAnswer.packet) {
        ++answers_;
        continue;
      }
      const Address destination = destination_of(packet.packet);
      const auto to = std::find_if(secondaries.begin(), secondaries.end(), [&](const auto& other) { return other->address == destination; });
      REQUIRE(to != secondaries.end());
      FakeSecondary& secondary = **to;
      if (is_lost(packet.packet, kPrimaryAgent, secondary.address, secondary.key, true)) continue;
      for (int copy = 0; copy < (doubled ? 2 : 1); ++copy)
        for (const OutgoingPacket& reply : secondary.receive(packet.packet, now)) {
          if (is_lost(reply.packet, secondary.address, kPrimaryAgent, secondary.key, false)) continue;
          if (kept)
            kept->emplace_back(secondary.address, reply);
          else
            for (int copies = 0; copies < (doubled ? 2 : 1); ++copies) receive(reply, secondary.address);
        }
    }
  }
  notices_.insert(notices_.end(), outputs_.notices.begin(), outputs_.notices.end());
  outputs_.notices.clear();
}

void Bench::run(Duration duration) {
  const TimePoint end = now.monotonic + duration;
  deliver();
  int idle = 0;
  while (primary->next_deadline() <= end) {
    const TimePoint at = std::max(primary->next_deadline(), now.monotonic);
    // A deadline that does not pass would keep a daemon busy for ever.
    idle = at == now.monotonic ? idle + 1 : 0;
    REQUIRE(idle < 100);
    now.wall += at - now.monotonic;
    now.monotonic = at;
    primary->on_deadline(now, outputs_);
    deliver();
  }
  now.wall += end - now.monotonic;
  now.monotonic = end;
}

void Bench::settle() { run(20ms); }

Expected<void, std::string> Bench::delegate(unsigned number, const std::string& agent) {
  return primary->delegate(home_address_of(number), agent, now, outputs_);
}
Expected<void, std::string> Bench::recall(unsigned number) { return primary->recall(home_address_of(number), now, outputs_); }
Expected<void, std::string> Bench::release(unsigned number) { return primary->release(home_address_of(number), now, outputs_); }
Expected<void, std::string> Bench::drain(const std::string& agent, bool on) { return primary->drain(agent, on, now, outputs_); }
void Bench::reconfigure() { primary->apply_configuration(now, outputs_); }

void Bench::activity(const std::map<unsigned, std::uint64_t>& packets, Duration interval) {
  TunnelActivity out;
  out.interval = interval;
  for (const auto& [number, count] : packets) out.entries.push_back({home_address_of(number), count, count * 100});
  primary->handle(out, now, outputs_);
}

DelegationSnapshot Bench::show(unsigned number) const {
  for (const auto& snapshot : primary->delegations(now))
    if (snapshot.home_address == home_address_of(number)) return snapshot;
  return {};
}
AgentSnapshot Bench::show(const std::string& agent) const {
  for (const auto& snapshot : primary->agents(now))
    if (snapshot.name == agent) return snapshot;
  return {};
}
std::string Bench::state(unsigned number) const {
  const auto snapshot = show(number);
  return snapshot.agent.empty() ? snapshot.state : snapshot.state + " " + snapshot.agent;
}
std::optional<std::uint32_t> Bench::metric(unsigned number) const {
  const auto* route = plan_.announced_routes.find(home_address_of(number));
  return route == nullptr ? std::nullopt : std::optional(route->metric);
}
std::size_t Bench::notices(const std::string& event) const {
  return static_cast<std::size_t>(
      std::count_if(notices_.begin(), notices_.end(), [&](const Notice& notice) { return notice.event == event; }));
}

}  // namespace mipflow::home_agent::test
