// SPDX-License-Identifier: GPL-3.0-or-later
#include "ring.hpp"

#include <bpf/libbpf.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "layout_values.hpp"

namespace mipflow::datapath {

namespace {

PacketReceived packet_of(const mipflow_packet_record& record) {
  PacketReceived out;
  const std::size_t octets = std::min<std::size_t>(record.octets, sizeof record.packet);
  out.packet.assign(record.packet, record.packet + octets);
  out.interface = record.interface;
  if (const Address source = from_layout(record.tunnel_source); !source.is_unspecified()) out.tunnel_source = source;
  if (record.has_link_layer_source != 0) {
    LinkLayerAddress source{};
    std::copy_n(record.link_layer_source, source.size(), source.begin());
    out.link_layer_source = source;
  }
  return out;
}

constexpr int kStop = -ECANCELED;  // ends ring_buffer__consume(), the record before it counts as read

}  // namespace

void Ring::Free::operator()(ring_buffer* ring) const { ring_buffer__free(ring); }

int Ring::take(void* context, void* data, std::size_t size) {
  auto& batch = *static_cast<Batch*>(context);
  std::uint32_t kind = 0;
  if (size >= sizeof kind) std::memcpy(&kind, data, sizeof kind);
  if (kind == MIPFLOW_RECORD_PACKET && size >= sizeof(mipflow_packet_record)) {
    batch.records.emplace_back(packet_of(*static_cast<const mipflow_packet_record*>(data)));
  } else if (kind == MIPFLOW_RECORD_FLOW_CLOSED && size >= sizeof(mipflow_flow_closed_record)) {
    const auto& record = *static_cast<const mipflow_flow_closed_record*>(data);
    batch.records.emplace_back(FlowClosed{from_layout(record.key), record.flow_id});
  } else if (kind == MIPFLOW_RECORD_UNBOUND_SOURCE && size >= sizeof(mipflow_unbound_source_record)) {
    const auto& record = *static_cast<const mipflow_unbound_source_record*>(data);
    batch.records.emplace_back(UnboundSource{from_layout(record.source.home_address), from_layout(record.source.care_of_address)});
  }
  return batch.records.size() >= batch.limit ? kStop : 0;
}

Expected<Ring, Error> Ring::open(int map_fd) {
  Ring out;
  out.batch_ = std::make_unique<Batch>();
  out.ring_.reset(ring_buffer__new(map_fd, take, out.batch_.get(), nullptr));
  if (!out.ring_) return failure(errno, "cannot open the data path's ring");
  return out;
}

int Ring::fd() const { return ring_buffer__epoll_fd(ring_.get()); }

Expected<std::vector<RingRecord>, Error> Ring::read(std::size_t limit) {
  batch_->records.clear();
  batch_->limit = std::max<std::size_t>(limit, 1);
  const int result = ring_buffer__consume(ring_.get());
  if (result < 0 && result != kStop) return failure(-result, "cannot read the data path's ring");
  return std::move(batch_->records);
}

}  // namespace mipflow::datapath
