#include "method/aggregate.hpp"

#include <algorithm>
#include <cmath>
#include <threepc/sdk/vectors.hpp>

#include "failure.hpp"
#include "vector/arithmetic.hpp"
#include "vector/bytes.hpp"

namespace threepc {
namespace {

void append_to(std::vector<std::uint8_t>& out, std::span<const std::uint8_t> bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

}  // namespace

Aggregate::Aggregate(const Replica& tree, const Membership& membership, std::optional<Ledger::Shrinks> ledger,
                     Rule* rule)
    : tree_(&tree),
      rule_(rule),
      membership_(membership),
      held_{ExactVector(TPC_F64, membership.dim), {}, std::vector<bool>(membership.workers), 0},
      before_(held_) {
  if (rule != nullptr || (tree.capabilities() & TPC_RESETS_ALONE) != 0) singles_.resize(membership.workers);
  if (ledger) ledger_.emplace(tree, membership.workers, *ledger);
}

void Aggregate::begin_round(std::uint64_t round, std::vector<std::uint32_t> absent) {
  if (ledger_) before_ = held_, ledger_->begin_round();
  absorbed_.clear();
  own_before_.clear();
  round_ = round;
  absent_ = std::move(absent);
  newcomers_.clear();
  first_.reset();
  take_back_loans();
}

Aggregate::Absorbed Aggregate::absorb(std::uint32_t worker, std::span<const std::uint8_t> program) {
  parse_program(program, operations_);
  absorbed_.push_back(worker);
  if (remembers() && !singles_.empty()) own_before_.push_back(singles_[worker]);
  if (held_.is_member[worker])
    make_room(worker, last_reset(operations_) >= 0);
  else
    newcomers_.push_back(worker);
  return replay(round_, worker, program, operations_);
}

Aggregate::Absorbed Aggregate::absorb_late(std::uint64_t round, std::uint32_t worker,
                                           std::span<const std::uint8_t> program) {
  const std::vector<Operation> operations = parse_program(program);
  const Held before = held_;
  const std::optional<ExactVector> own = singles_.empty() ? std::nullopt : singles_[worker];
  try {
    if (held_.is_member[worker] && last_reset(operations) >= 0) take_out(worker);
    return replay(round, worker, program, operations);
  } catch (const Failure&) {
    held_ = before;
    if (!singles_.empty()) singles_[worker] = own;
    throw;
  }
}

void Aggregate::undo_round() {
  held_ = before_;
  ledger_->undo_round();
  for (std::size_t i = 0; i < absorbed_.size(); ++i) {
    if (!singles_.empty()) singles_[absorbed_[i]] = own_before_[i];
  }
}

Aggregate::Absorbed Aggregate::redo(std::uint32_t worker, std::optional<std::span<const std::uint8_t>> program) {
  Programs programs;
  for (const std::uint32_t other : absorbed_)
    if (other != worker) append_to(programs[other], *ledger_->program_in_round(other));
  std::erase(absent_, worker);
  if (!program) absent_.push_back(worker);
  if (!program) return redo_all(programs), Absorbed{};
  Programs whole = programs;
  append_to(whole[worker], *program);
  try {
    return redo_all(whole)[worker];
  } catch (const Failure&) {
    absent_.push_back(worker);
    redo_all(programs);
    throw;
  }
}

std::map<std::uint32_t, Aggregate::Absorbed> Aggregate::redo_all(const Programs& programs) {
  std::map<std::uint32_t, Absorbed> out;
  undo_round();
  begin_round(round_, absent_);
  for (const auto& [worker, program] : programs) out[worker] = absorb(worker, program);
  return out;
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
  held_.member_count += !held_.is_member[worker];
  held_.is_member[worker] = true;
  if (!singles_.empty()) single(worker);
  Absorbed absorbed{0, operations.empty()};
  for (std::size_t i = dead; i < operations.size(); ++i) {
    absorbed.values += tree_->replay(operations[i], round, worker, held_.sum.target());
    replay_aside(operations[i], round, worker);
  }
  if (ledger_) ledger_->note(worker, round, program, reset >= 0);
  return absorbed;
}

/// What an operation changes beside the sum: the worker's own g_i, where they are kept, and the loans.
void Aggregate::replay_aside(const Operation& operation, std::uint64_t round, std::uint32_t worker) {
  if (!singles_.empty()) tree_->replay(operation, round, worker, single(worker).target());
  if (operation.kind != OperationKind::lend) return;
  if (!singles_.empty())
    throw Failure(Exit::peer, "malformed message: it lends, which the " + tree_->name() + " never does");
  if (!held_.lent) held_.lent.emplace(TPC_F64, membership_.dim);
  tree_->replay(operation, round, worker, held_.lent->target());
}

void Aggregate::take_back_loans() {
  if (held_.lent) subtract(1 - tree_->keep(), *held_.lent, held_.sum);
  held_.lent.reset();
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
  if (singles_.empty()) return subtract(1, ledger_->state(worker), held_.sum);
  subtract(1, single(worker), held_.sum);
  single(worker).clear();
}

/// Of d values, made when its worker first says something: a node of a graph hears few of all.
ExactVector& Aggregate::single(std::uint32_t worker) {
  if (!singles_[worker]) singles_[worker].emplace(TPC_F64, membership_.dim);
  return *singles_[worker];
}

/// What it has lent is in the sum, and is no longer to be taken back.
void Aggregate::remove(std::uint32_t worker) {
  if (!held_.is_member[worker]) return;
  const TrackedVector state = ledger_->state(worker);
  if (state.lent() && held_.lent) subtract(1, *state.lent(), *held_.lent);
  take_out(worker);
  ledger_->restart(worker, TrackedVector(membership_.dtype, membership_.dim));
  held_.is_member[worker] = false;
  --held_.member_count;
}

/// Everybody's g_i leaves the sum, but for those that are absent, who keep what they had, and those that have only
/// just begun.
void Aggregate::reset_all() {
  held_.sum.clear();
  if (absent_.size() + newcomers_.size() > 0) ledger_->fold();
  for (const std::uint32_t worker : absent_)
    if (held_.is_member[worker]) subtract(-1, ledger_->state(worker), held_.sum);
  for (const std::uint32_t worker : newcomers_) subtract(-1, ledger_->state(worker), held_.sum);
}

void Aggregate::save(std::vector<std::uint8_t>& out) const {
  append(out, held_.sum);
  for (const bool member : held_.is_member) append(out, static_cast<std::uint8_t>(member));
  for (std::uint32_t worker = 0; worker < singles_.size(); ++worker)
    if (held_.is_member[worker]) append(out, *singles_[worker]);
  append(out, static_cast<std::uint8_t>(held_.lent.has_value()));
  if (held_.lent) append(out, *held_.lent);
}

void Aggregate::load(tpc::Reader& in) {
  take(in, held_.sum);
  held_.member_count = 0;
  for (std::uint32_t worker = 0; worker < held_.is_member.size(); ++worker) {
    held_.is_member[worker] = in.get<std::uint8_t>() != 0;
    held_.member_count += held_.is_member[worker];
  }
  for (std::uint32_t worker = 0; worker < singles_.size(); ++worker)
    if (held_.is_member[worker]) take(in, single(worker));
  held_.lent.reset();
  if (in.get<std::uint8_t>() != 0) take(in, held_.lent.emplace(TPC_F64, membership_.dim));
}

void Aggregate::restart_ledger(std::uint32_t worker, TrackedVector state) {
  if (ledger_) ledger_->restart(worker, std::move(state));
}

bool Aggregate::combine(RawVector& g) const {
  std::vector<const double*> rows;
  bool finite = true;
  for (std::uint32_t worker = 0; rule_ != nullptr && worker < singles_.size(); ++worker) {
    if (!held_.is_member[worker]) continue;
    const RawVector& row = singles_[worker]->sum();
    finite = finite && all_finite(row.dtype(), row.bytes(), row.dim());
    rows.push_back(static_cast<const double*>(row.data()));
  }
  if (rows.empty() || !finite) return divide(held_.sum, std::max(1U, held_.member_count), g) && finite;
  return rule_->combine(rows, g);
}

}  // namespace threepc
