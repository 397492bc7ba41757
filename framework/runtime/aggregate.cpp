#include "runtime/aggregate.hpp"

#include <cmath>
#include <threepc/sdk/vectors.hpp>

#include "failure.hpp"

namespace threepc {
namespace {

template <class T>
bool divide_into(const ExactVector& sum, std::uint32_t workers, RawVector& g) {
  const auto* high = static_cast<const double*>(sum.sum().data());
  const auto* low = static_cast<const double*>(sum.error().data());
  auto* out = static_cast<T*>(g.data());
  double nan_or_zero = 0;  // v * 0 is NaN for a NaN and an infinite v, 0 otherwise
  for (std::uint32_t i = 0; i < g.dim(); ++i) {
    out[i] = static_cast<T>((high[i] + low[i]) / workers);
    nan_or_zero += out[i] * 0.0;
  }
  return nan_or_zero == 0;
}

/// What comes before a program's last reset has no effect on g_i; -1: it does not reset.
std::ptrdiff_t last_reset(const std::vector<Operation>& operations) {
  for (auto i = static_cast<std::ptrdiff_t>(operations.size()) - 1; i >= 0; --i)
    if (operations[static_cast<std::size_t>(i)].kind == OperationKind::reset) return i;
  return -1;
}

}  // namespace

Aggregate::Aggregate(const MechanismTree& tree, const Membership& membership)
    : tree_(&tree), membership_(membership), sum_(TPC_F64, membership.dim) {
  if ((tree.capabilities() & TPC_RESETS_ALONE) != 0)
    members_.assign(membership.workers, ExactVector(TPC_F64, membership.dim));
}

Aggregate::Absorbed Aggregate::absorb(std::uint64_t round, std::uint32_t worker,
                                      std::span<const std::uint8_t> program) {
  const std::vector<Operation> operations = parse_program(program);
  const std::ptrdiff_t from = last_reset(operations);
  if (worker == 0) take_back_loans();
  // In round 0 every g_i is zero, so the dense start is a reset that changes nothing.
  if (round > 0) {
    require_same_resets(worker, from >= 0);
    if (from >= 0) reset(worker);
  }
  Absorbed absorbed{0, operations.empty()};
  for (std::size_t i = 0; i < operations.size(); ++i) {
    const bool dead = static_cast<std::ptrdiff_t>(i) < from;
    if (dead) continue;
    absorbed.values += tree_->replay(operations[i], round, worker, sum_.target());
    replay_aside(operations[i], round, worker);
  }
  return absorbed;
}

/// What an operation changes beside the sum: the worker's own g_i, where they are kept, and the loans.
void Aggregate::replay_aside(const Operation& operation, std::uint64_t round, std::uint32_t worker) {
  if (!members_.empty()) tree_->replay(operation, round, worker, members_[worker].target());
  if (operation.kind != OperationKind::lend) return;
  if (!members_.empty())
    throw Failure(Exit::peer, "malformed message: it lends, which the " + tree_->name() + " never does");
  if (!lent_) lent_.emplace(TPC_F64, membership_.dim);
  tree_->replay(operation, round, worker, lent_->target());
}

void Aggregate::take_back_loans() {
  if (lent_) subtract(1 - tree_->keep(), *lent_, sum_);
  lent_.reset();
}

void Aggregate::require_same_resets(std::uint32_t worker, bool resets) {
  if (!members_.empty()) return;
  if (worker == 0) first_resets_ = resets;
  const bool allowed = !resets || (tree_->capabilities() & TPC_RESETS_TOGETHER) != 0;
  if (!allowed)
    throw Failure(Exit::peer,
                  "worker " + std::to_string(worker) + " reset g_i, which the " + tree_->name() + " never does");
  if (resets != first_resets_)
    throw Failure(Exit::plugin, tree_->name() + " misbehaved: it declares TPC_RESETS_TOGETHER, but workers 0 and " +
                                    std::to_string(worker) + " did not reset in the same round");
}

void Aggregate::reset(std::uint32_t worker) {
  if (members_.empty()) {
    if (worker == 0) sum_.clear();
    return;
  }
  subtract(1, members_[worker], sum_);
  members_[worker].clear();
}

bool Aggregate::mean(RawVector& g) const {
  return membership_.dtype == TPC_F32 ? divide_into<float>(sum_, membership_.workers, g)
                                      : divide_into<double>(sum_, membership_.workers, g);
}

}  // namespace threepc
