#include "runtime/aggregate.hpp"

#include <algorithm>
#include <cmath>
#include <threepc/sdk/vectors.hpp>

#include "failure.hpp"
#include "runtime/bytes.hpp"

namespace threepc {
namespace {

template <class T>
bool divide_into(const ExactVector& sum, std::uint32_t members, RawVector& g) {
  const auto* high = static_cast<const double*>(sum.sum().data());
  const auto* low = static_cast<const double*>(sum.error().data());
  auto* out = static_cast<T*>(g.data());
  double nan_or_zero = 0;  // v * 0 is NaN for a NaN and an infinite v, 0 otherwise
  for (std::uint32_t i = 0; i < g.dim(); ++i) {
    out[i] = static_cast<T>((high[i] + low[i]) / members);
    nan_or_zero += out[i] * 0.0;
  }
  return nan_or_zero == 0;
}

}  // namespace

Aggregate::Aggregate(const MechanismTree& tree, const Membership& membership, bool remember)
    : tree_(&tree), membership_(membership), sum_(TPC_F64, membership.dim), is_member_(membership.workers) {
  if ((tree.capabilities() & TPC_RESETS_ALONE) != 0)
    singles_.assign(membership.workers, ExactVector(TPC_F64, membership.dim));
  for (std::uint32_t worker = 0; remember && worker < membership.workers; ++worker) ledgers_.emplace_back(tree, worker);
}

void Aggregate::begin_round(std::uint64_t round, std::vector<std::uint32_t> absent) {
  round_ = round;
  absent_ = std::move(absent);
  newcomers_.clear();
  first_.reset();
  take_back_loans();
}

Aggregate::Absorbed Aggregate::absorb(std::uint32_t worker, std::span<const std::uint8_t> program) {
  const std::vector<Operation> operations = parse_program(program);
  if (is_member_[worker])
    make_room(worker, last_reset(operations) >= 0);
  else
    newcomers_.push_back(worker);
  return replay(round_, worker, program, operations);
}

Aggregate::Absorbed Aggregate::absorb_late(std::uint64_t round, std::uint32_t worker,
                                           std::span<const std::uint8_t> program) {
  const std::vector<Operation> operations = parse_program(program);
  if (is_member_[worker] && last_reset(operations) >= 0) take_out(worker);
  return replay(round, worker, program, operations);
}

/// The first message of a member, its dense start, meets a g_i of zero: whether it resets makes no difference. Later
/// ones that reset take out what is there.
void Aggregate::make_room(std::uint32_t worker, bool resets) {
  require_same_resets(worker, resets);
  if (!resets) return;
  if (!singles_.empty())
    take_out(worker);
  else if (worker == *first_)
    reset_all();
}

Aggregate::Absorbed Aggregate::replay(std::uint64_t round, std::uint32_t worker, std::span<const std::uint8_t> program,
                                      const std::vector<Operation>& operations) {
  const std::ptrdiff_t reset = last_reset(operations);
  const auto dead = static_cast<std::size_t>(std::max<std::ptrdiff_t>(0, reset));
  member_count_ += !is_member_[worker];
  is_member_[worker] = true;
  Absorbed absorbed{0, operations.empty()};
  for (std::size_t i = dead; i < operations.size(); ++i) {
    absorbed.values += tree_->replay(operations[i], round, worker, sum_.target());
    replay_aside(operations[i], round, worker);
  }
  if (!ledgers_.empty()) ledgers_[worker].note(round, program, reset >= 0);
  return absorbed;
}

/// What an operation changes beside the sum: the worker's own g_i, where they are kept, and the loans.
void Aggregate::replay_aside(const Operation& operation, std::uint64_t round, std::uint32_t worker) {
  if (!singles_.empty()) tree_->replay(operation, round, worker, singles_[worker].target());
  if (operation.kind != OperationKind::lend) return;
  if (!singles_.empty())
    throw Failure(Exit::peer, "malformed message: it lends, which the " + tree_->name() + " never does");
  if (!lent_) lent_.emplace(TPC_F64, membership_.dim);
  tree_->replay(operation, round, worker, lent_->target());
}

void Aggregate::take_back_loans() {
  if (lent_) subtract(1 - tree_->keep(), *lent_, sum_);
  lent_.reset();
}

void Aggregate::require_same_resets(std::uint32_t worker, bool resets) {
  if (!first_) first_ = worker, first_resets_ = resets;
  if (!singles_.empty()) return;
  const bool allowed = !resets || (tree_->capabilities() & TPC_RESETS_TOGETHER) != 0;
  if (!allowed)
    throw Failure(Exit::peer,
                  "worker " + std::to_string(worker) + " reset g_i, which the " + tree_->name() + " never does");
  if (resets != first_resets_)
    throw Failure(Exit::plugin, tree_->name() + " misbehaved: it declares TPC_RESETS_TOGETHER, but workers " +
                                    std::to_string(*first_) + " and " + std::to_string(worker) +
                                    " did not reset in the same round");
}

/// One worker's g_i leaves the sum.
void Aggregate::take_out(std::uint32_t worker) {
  if (singles_.empty()) return subtract(1, ledgers_[worker].state(), sum_);
  subtract(1, singles_[worker], sum_);
  singles_[worker].clear();
}

/// What it has lent is in the sum, and is no longer to be taken back.
void Aggregate::remove(std::uint32_t worker) {
  if (!is_member_[worker]) return;
  const TrackedVector state = ledgers_[worker].state();
  if (state.lent() && lent_) subtract(1, *state.lent(), *lent_);
  take_out(worker);
  ledgers_[worker] = Ledger(*tree_, worker);
  is_member_[worker] = false;
  --member_count_;
}

/// Everybody's g_i leaves the sum, but for those that are absent, who keep what they had, and those that have only
/// just begun.
void Aggregate::reset_all() {
  sum_.clear();
  for (const std::uint32_t worker : absent_)
    if (is_member_[worker]) subtract(-1, ledgers_[worker].state(), sum_);
  for (const std::uint32_t worker : newcomers_) subtract(-1, ledgers_[worker].state(), sum_);
}

void Aggregate::save(std::vector<std::uint8_t>& out) const {
  append(out, sum_);
  for (const bool member : is_member_) append(out, static_cast<std::uint8_t>(member));
  for (const ExactVector& member : singles_) append(out, member);
  append(out, static_cast<std::uint8_t>(lent_.has_value()));
  if (lent_) append(out, *lent_);
}

void Aggregate::load(tpc::Reader& in) {
  take(in, sum_);
  member_count_ = 0;
  for (std::uint32_t worker = 0; worker < is_member_.size(); ++worker) {
    is_member_[worker] = in.get<std::uint8_t>() != 0;
    member_count_ += is_member_[worker];
  }
  for (ExactVector& member : singles_) take(in, member);
  lent_.reset();
  if (in.get<std::uint8_t>() != 0) take(in, lent_.emplace(TPC_F64, membership_.dim));
}

void Aggregate::restart_ledger(std::uint32_t worker, const TrackedVector& state) {
  if (remembers()) ledgers_[worker].restart(state);
}

bool Aggregate::mean(RawVector& g) const {
  return membership_.dtype == TPC_F32 ? divide_into<float>(sum_, member_count_, g)
                                      : divide_into<double>(sum_, member_count_, g);
}

}  // namespace threepc
