#include "members/star/parcels.hpp"

#include <string>
#include <threepc/sdk/bytes.hpp>
#include <utility>

namespace threepc {

void append_parcel(Bytes& out, std::uint32_t peer, std::span<const std::uint8_t> parcel) {
  append(out, peer);
  append(out, std::uint64_t{parcel.size()});
  append(out, parcel);
}

Parcels parse_parcels(std::span<const std::uint8_t> bytes) {
  tpc::Reader in(bytes.data(), bytes.size());
  Parcels out;
  out.stage = in.get<std::uint32_t>();
  while (in.remaining() > 0) {
    const auto peer = in.get<std::uint32_t>();
    out.all.push_back({peer, in.take_span(in.get<std::uint64_t>())});
  }
  return out;
}

void Relay::begin_round(std::uint64_t round) {
  before_ = std::exchange(now_, {round, {}});
  now_.heard.assign(exchanges_, std::vector<Bytes>(workers_));
  bytes_before_ = bytes_;
  open_ = next_ = 0;
}

std::uint32_t Relay::take(std::uint32_t worker, std::uint64_t round, std::span<const std::uint8_t> message) {
  const auto bytes = unseal(message, round);
  if (!bytes)
    throw Failure(Exit::peer, "what it has for its peers was damaged on its way: its checksum does not match");
  try {
    const Parcels parcels = parse_parcels(*bytes);
    if (parcels.stage > open_ || parcels.stage >= exchanges_)
      throw tpc::Corrupt("stage " + std::to_string(parcels.stage) + " of an evaluation that is in stage " +
                         std::to_string(open_));
    if (parcels.stage == open_ && worker == next_) pass_on(worker, parcels);
    return parcels.stage;
  } catch (const tpc::Error& error) {
    throw Failure(Exit::peer, std::string("malformed message: what it has for its peers: ") + error.what());
  }
}

/// Whole or not at all.
void Relay::pass_on(std::uint32_t worker, const Parcels& parcels) {
  std::int64_t last = -1;
  for (const Parcels::Parcel& parcel : parcels.all) {
    if (parcel.peer >= workers_ || parcel.peer == worker || parcel.peer <= last)
      throw tpc::Corrupt("a parcel for " + worker_name(parcel.peer));
    last = parcel.peer;
  }
  for (const Parcels::Parcel& parcel : parcels.all) {
    append_parcel(now_.heard[open_][parcel.peer], worker, parcel.bytes);
    bytes_ += parcel.bytes.size();
  }
  next_ = worker + 1 == workers_ ? 0 : worker + 1;
}

Bytes Relay::mail(std::uint32_t worker, std::uint32_t stage) const {
  Bytes out;
  append(out, stage);
  const Bytes& heard = now_.heard[stage][worker];
  append(out, std::span<const std::uint8_t>(heard));
  seal(out, now_.number);
  return out;
}

void Relay::append_history(std::uint32_t worker, std::uint64_t round, Bytes& out) const {
  for (const std::vector<Bytes>& stage : of(round).heard) {
    append(out, std::uint64_t{stage[worker].size()});
    append(out, std::span<const std::uint8_t>(stage[worker]));
  }
}

std::vector<Bytes> Relay::histories() const {
  std::vector<Bytes> out(workers_);
  for (std::uint32_t worker = 0; worker < workers_; ++worker) append_history(worker, now_.number, out[worker]);
  return out;
}

void Relay::undo_round(std::uint64_t round) {
  if (now_.number != round) return;
  now_ = before_;
  bytes_ = bytes_before_;
}

void Relay::save(std::uint64_t round, Bytes& out) const {
  append(out, bytes_);
  for (std::uint32_t worker = 0; worker < workers_; ++worker) append_history(worker, round, out);
}

void Relay::load(std::uint64_t round, tpc::Reader& in) {
  now_.number = round;
  bytes_ = in.get<std::uint64_t>();
  now_.heard.assign(exchanges_, std::vector<Bytes>(workers_));
  for (std::uint32_t worker = 0; worker < workers_; ++worker)
    for (std::vector<Bytes>& stage : now_.heard) {
      const auto heard = in.take_span(in.get<std::uint64_t>());
      stage[worker].assign(heard.begin(), heard.end());
    }
}

}  // namespace threepc
