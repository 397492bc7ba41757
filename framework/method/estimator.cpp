#include "method/estimator.hpp"

#include <threepc/sdk/context.hpp>
#include <utility>

#include "plugin/host_services.hpp"
#include "plugin/streams.hpp"
#include "vector/arithmetic.hpp"

namespace threepc {

Estimator::Estimator(const RunConfig& config, const Problem& problem, std::uint64_t rows)
    : problem_(&problem), rows_(rows), batch_(config.batch.value_or(0)), momentum_(config.momentum) {
  if (batch_ > 0 && (!problem.has_rows() || rows == 0 || rows > UINT32_MAX))
    throw Failure(Exit::usage, "workers.batch: the " + problem.name() +
                                   " has no rows to draw minibatches from; remove [workers] batch, or choose a "
                                   "problem with data");
  const Membership& m = problem.membership();
  point_ = previous_ = RawVector(m.dtype, problem.facts().dim);
  if (!exact()) truth_ = point_;
}

void Estimator::next(const tpc_context& context, const void* x, double* value) {
  std::swap(point_, previous_);
  if (exact()) return evaluate(context, x, value, point_.data());
  if (value != nullptr) evaluate(context, x, value, truth_.data());
  estimate(context, x);
  if (momentum_ < 1 && begun_) average(momentum_, previous_, point_);
  begun_ = true;
}

void Estimator::restart(const tpc_context& context, const void* x, tpc::Reader& memory) {
  estimate(context, x);
  begun_ = true;
  if (momentum_ < 1 && memory.remaining() > 0) take(memory, point_);
}

void Estimator::evaluate(const tpc_context& context, const void* x, double* value, void* gradient) const {
  if (source_) return source_(value, gradient);
  problem_->evaluate(context, x, value, gradient);
}

void Estimator::estimate(const tpc_context& context, const void* x) {
  if (batch_ == 0) return evaluate(context, x, nullptr, point_.data());
  draw(context);
  problem_->evaluate_rows(context, x, drawn_, point_.data());
}

void Estimator::draw(const tpc_context& context) {
  tpc_context own = context;
  own.stream = streams::minibatch;
  tpc::Random random(host_services(), own, tpc::Scope::own);
  drawn_.resize(batch_);
  for (std::uint64_t& row : drawn_) row = random.below(static_cast<std::uint32_t>(rows_));
}

}  // namespace threepc
