#include "runtime/ledger.hpp"

#include <algorithm>

namespace threepc {

Ledger::Ledger(const MechanismTree& tree, std::uint32_t worker) : tree_(&tree), worker_(worker) {}

void Ledger::note(std::uint64_t round, std::span<const std::uint8_t> program, bool resets) {
  settle();
  program_.assign(program.begin(), program.end());
  last_ = {round, resets};
}

/// The last program joins those before it, or takes their place.
void Ledger::settle() {
  if (!last_) return;
  if (last_->resets) forget();
  entries_.push_back({last_->round, program_.size()});
  log_.insert(log_.end(), program_.begin(), program_.end());
  last_.reset();
  const Membership& m = tree_->membership();
  if (bytes() > std::max<std::size_t>(4096, 2 * size_of(m.dtype) * m.dim)) fold();
}

void Ledger::forget() {
  base_.reset();
  entries_.clear();
  log_.clear();
}

TrackedVector Ledger::state() const {
  const Membership& m = tree_->membership();
  const bool from_zero = !base_ || (last_ && last_->resets);
  TrackedVector h = from_zero ? TrackedVector(m.dtype, m.dim) : *base_;
  if (!last_ || !last_->resets) replay_onto(h);
  if (last_) tree_->replay(program_, last_->round, worker_, h);
  return h;
}

void Ledger::restart(const TrackedVector& state) {
  forget();
  last_.reset();
  base_ = state;
}

void Ledger::replay_onto(TrackedVector& h) const {
  std::span<const std::uint8_t> rest = log_;
  for (const Entry& entry : entries_) {
    tree_->replay(rest.first(entry.size), entry.round, worker_, h);
    rest = rest.subspan(entry.size);
  }
}

void Ledger::fold() {
  if (!base_) base_.emplace(tree_->membership().dtype, tree_->membership().dim);
  replay_onto(*base_);
  entries_.clear();
  log_.clear();
}

}  // namespace threepc
