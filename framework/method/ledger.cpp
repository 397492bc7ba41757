#include "method/ledger.hpp"

#include <algorithm>
#include <utility>

namespace threepc {
namespace {

/// Two vectors of the run for each worker; four where the workers are asked, which costs as much however much was sent,
/// and up to 64 KiB a worker while that is no more than 64 MiB.
std::size_t most_bytes(const Membership& m, std::uint32_t workers, Ledger::Shrinks shrinks) {
  constexpr std::size_t kib = 1024;
  const std::size_t vector = size_of(m.dtype) * m.dim;
  if (shrinks == Ledger::Shrinks::by_replaying) return workers * std::max(4 * kib, 2 * vector);
  return workers * std::max({4 * kib, 4 * vector, std::min(64 * kib, 64 * kib * kib / workers)});
}

}  // namespace

template <class Body>
void Ledger::each(Mark from, Body body) const {
  std::span<const std::uint8_t> rest = std::span(log_).subspan(from.byte);
  for (std::size_t number = from.entry; number < entries_.size(); ++number) {
    body(number, entries_[number], rest.first(entries_[number].size));
    rest = rest.subspan(entries_[number].size);
  }
}

Ledger::Ledger(const Replica& tree, std::uint32_t workers, Shrinks shrinks)
    : tree_(&tree),
      shrinks_(shrinks),
      most_(most_bytes(tree.membership(), workers, shrinks)),
      base_(workers),
      from_(workers) {}

void Ledger::begin_round() {
  settle();
  if (shrinks_ == Shrinks::by_replaying && is_full()) fold();
}

void Ledger::note(std::uint32_t worker, std::uint64_t round, std::span<const std::uint8_t> program, bool resets) {
  restarted_ = 0;
  entries_.push_back({worker, resets, round, program.size()});
  log_.insert(log_.end(), program.begin(), program.end());
}

/// The last round's programs join those before them, or take their place.
void Ledger::settle() {
  if (all_have_reset()) {
    std::fill(base_.begin(), base_.end(), std::nullopt);
    forget_before(began_);
  }
  began_ = {entries_.size(), log_.size()};
}

bool Ledger::all_have_reset() const {
  const std::span<const Entry> recent = std::span(entries_).subspan(began_.entry);
  return recent.size() == base_.size() &&
         std::all_of(recent.begin(), recent.end(), [](const Entry& entry) { return entry.resets; });
}

void Ledger::forget_before(Mark mark) {
  entries_.erase(entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(mark.entry));
  log_.erase(log_.begin(), log_.begin() + static_cast<std::ptrdiff_t>(mark.byte));
  std::fill(from_.begin(), from_.end(), 0);
}

void Ledger::undo_round() {
  entries_.resize(began_.entry);
  log_.resize(began_.byte);
}

std::optional<std::span<const std::uint8_t>> Ledger::program_in_round(std::uint32_t worker) const {
  std::optional<std::span<const std::uint8_t>> found;
  each(began_, [&](std::size_t, const Entry& entry, std::span<const std::uint8_t> program) {
    if (entry.worker == worker) found = program;
  });
  return found;
}

TrackedVector Ledger::state(std::uint32_t worker) const {
  const Membership& m = tree_->membership();
  TrackedVector h = base_[worker] ? *base_[worker] : TrackedVector(m.dtype, m.dim);
  each({}, [&](std::size_t number, const Entry& entry, std::span<const std::uint8_t> program) {
    if (entry.worker == worker && number >= from_[worker]) tree_->replay(program, entry.round, worker, h);
  });
  return h;
}

void Ledger::restart(std::uint32_t worker, TrackedVector state) {
  settle();
  base_[worker] = std::move(state);
  restarted_ += from_[worker] < entries_.size();
  from_[worker] = entries_.size();
  if (restarted_ == base_.size()) forget_before(std::exchange(began_, {}));
}

/// The entry from which each worker's g_i follows: its last reset, if there was one.
std::vector<std::size_t> Ledger::last_resets() const {
  std::vector<std::size_t> out = from_;
  for (std::size_t number = 0; number < began_.entry; ++number) {
    std::size_t& first = out[entries_[number].worker];
    if (entries_[number].resets) first = std::max(first, number);
  }
  return out;
}

void Ledger::fold() {
  const Membership& m = tree_->membership();
  const std::vector<std::size_t> from = last_resets();
  each({}, [&](std::size_t number, const Entry& entry, std::span<const std::uint8_t> program) {
    if (number < from[entry.worker] || number >= began_.entry) return;
    auto& base = base_[entry.worker];
    if (!base) base.emplace(m.dtype, m.dim);
    tree_->replay(program, entry.round, entry.worker, *base);
  });
  forget_before(std::exchange(began_, {}));
}

}  // namespace threepc
