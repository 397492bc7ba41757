#include "members/peers/publication_log.hpp"

#include <utility>

#include "members/message_bounds.hpp"
#include "plugin/host_services.hpp"

namespace threepc {
namespace {

/// In vectors of the run, of each worker: a state is some ten of them, and is to cost little beside what is published.
constexpr std::uint64_t most_vectors = 16;

void append_sized(Bytes& out, const Bytes& bytes) {
  append(out, std::uint64_t{bytes.size()});
  append(out, std::span<const std::uint8_t>(bytes));
}

Bytes restoration_of(std::uint64_t next, const Bytes& state) {
  Bytes out;
  append(out, next);
  append_sized(out, state);
  return out;
}

std::uint64_t most_noted(const RunConfig& config, std::uint32_t dim) {
  return most_vectors * config.workers * (std::uint64_t{dim} * size_of(config.dtype) + 64);
}

}  // namespace

PublicationLog::PublicationLog(const RunConfig& config, const Network& network, const MechanismTree& tree,
                               bool remembering)
    : config_(&config),
      network_(&network),
      remembering_(remembering),
      most_(most_noted(config, tree.membership().dim)),
      restarted_(host_services().now()),
      bases_(config.workers, restoration_of(0, {})),
      rounds_(1) {}

void PublicationLog::note(std::uint64_t round, std::vector<Bytes> published, std::vector<Bytes> histories) {
  for (const Bytes& each : published) noted_bytes_ += each.size();
  for (const Bytes& each : histories) noted_bytes_ += each.size();
  if (!remembering_) rounds_.clear();
  rounds_.push_back({std::move(published), std::move(histories)});
  next_ = round + 1;
}

void PublicationLog::undo() {
  rounds_.pop_back();
  --next_;
}

void PublicationLog::restart(std::uint64_t round, std::vector<Bytes> states) {
  for (std::size_t worker = 0; worker < bases_.size(); ++worker)
    bases_[worker] = restoration_of(round + 1, states[worker]);
  while (rounds_.size() > next_ - round) rounds_.pop_front();
  noted_bytes_ = 0;
  restarted_ = host_services().now();
}

Bytes PublicationLog::restoration(std::uint32_t worker) const {
  Bytes out = bases_[worker];
  for (std::size_t index = 0; index + 1 < rounds_.size(); ++index) append_round(worker, index, out);
  return out;
}

/// In round 0 nobody had published anything.
void PublicationLog::append_round(std::uint32_t worker, std::size_t index, Bytes& out) const {
  const std::vector<Bytes>& before = rounds_[index].published;
  append_sized(out, before.empty() ? first_mail(*network_) : mail_for(worker, *network_, before));
  append(out, std::span<const std::uint8_t>(rounds_[index + 1].histories[worker]));
}

void PublicationLog::resume(std::uint64_t round, std::vector<Bytes> restorations, std::vector<Bytes> last) {
  bases_ = std::move(restorations);
  rounds_.clear();
  rounds_.push_back({std::move(last), {}});
  next_ = round + 1;
}

/// A worker that comes back plays all rounds since again, while others wait for it: that is to take a small part of the
/// time that they wait.
bool PublicationLog::is_full() const {
  const double seconds = static_cast<double>(host_services().now() - restarted_) * 1e-9;
  if (!remembering_) return false;
  return noted_bytes_ > most_ || (rounds_.size() > 1 && seconds > config_->timeout / 8);
}

/// What has been asked for comes a round later.
std::uint64_t PublicationLog::most_bytes(const RunConfig& config, const MechanismTree& tree, std::uint64_t parcels) {
  const std::uint64_t of_worker = longest_publication(config, tree) + longest_history(config, parcels);
  return most_noted(config, tree.membership().dim) + 3 * config.workers * of_worker;
}

}  // namespace threepc
