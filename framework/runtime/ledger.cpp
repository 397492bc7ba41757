#include "runtime/ledger.hpp"

#include <algorithm>

namespace threepc {

Ledger::Ledger(const MechanismTree& tree, std::uint32_t worker) : tree_(&tree), worker_(worker) {}

void Ledger::note(std::uint64_t round, std::span<const std::uint8_t> program, bool resets) {
  if (resets) {
    base_.reset();
    entries_.clear();
    log_.clear();
  }
  entries_.push_back({round, program.size()});
  log_.insert(log_.end(), program.begin(), program.end());
  const Membership& m = tree_->membership();
  if (bytes() > std::max<std::size_t>(4096, 2 * size_of(m.dtype) * m.dim)) fold();
}

TrackedVector Ledger::state() const {
  const Membership& m = tree_->membership();
  TrackedVector h = base_ ? *base_ : TrackedVector(m.dtype, m.dim);
  replay_onto(h);
  return h;
}

void Ledger::restart(const TrackedVector& state) {
  base_ = state;
  entries_.clear();
  log_.clear();
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
