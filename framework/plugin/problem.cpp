#include "plugin/problem.hpp"

#include <cmath>

#include "plugin/checked_calls.hpp"

namespace threepc {

Problem::Problem(const PluginSpec& spec, const Membership& membership, std::uint32_t stream)
    : Instance(spec, membership, stream) {
  create<tpc_problem>();
}

tpc_problem_facts Problem::facts() const {
  tpc_problem_facts facts = {sizeof(tpc_problem_facts), 0, 0, NAN, NAN, NAN, nullptr, 0, 0, 0};
  checked("facts", [&](tpc_error* error) { return table<tpc_problem>().facts(self_, &facts, error); });
  if (facts.dim == 0 || facts.dim == UINT32_MAX)
    misbehaved("dim = " + std::to_string(facts.dim) + " is not in 1 .. 2^32 - 2");
  for (const double L : {facts.L_i, facts.L_minus, facts.hessian_spread})
    if (L < 0 || std::isinf(L))
      misbehaved("a smoothness constant of " + std::to_string(L) + " is no finite number >= 0");
  if (facts.block_count > 0 && facts.blocks == nullptr) misbehaved("block_count is not 0 but blocks is null");
  std::uint64_t covered = 0;
  for (std::uint32_t i = 0; i < facts.block_count && covered <= facts.dim; ++i) {
    const std::uint64_t size = std::uint64_t{facts.blocks[i]->rows} * facts.blocks[i]->columns;
    if (size == 0) misbehaved("its block " + std::to_string(i) + " is empty");
    covered += size;
  }
  if (facts.block_count > 0 && covered != facts.dim)
    misbehaved("its blocks hold " + std::to_string(covered) + " values, but dim = " + std::to_string(facts.dim));
  return facts;
}

void Problem::start(void* x0) const {
  checked("start", [&](tpc_error* error) { return table<tpc_problem>().start(self_, x0, error); });
}

void Problem::evaluate(const tpc_context& context, const void* x, double* value, void* gradient) const {
  checked(
      "evaluate",
      [&](tpc_error* error) { return table<tpc_problem>().evaluate(self_, &context, x, value, gradient, error); },
      &context);
}

bool Problem::has_rows() const { return table<tpc_problem>().evaluate_rows != nullptr; }

void Problem::evaluate_rows(const tpc_context& context, const void* x, std::span<const std::uint64_t> rows,
                            void* gradient) const {
  checked(
      "evaluate_rows",
      [&](tpc_error* error) {
        return table<tpc_problem>().evaluate_rows(self_, &context, x, rows.data(), rows.size(), gradient, error);
      },
      &context);
}

bool Problem::has_curvature() const { return table<tpc_problem>().curvature != nullptr; }

void Problem::curvature(const double* v, double* out) const {
  checked("curvature", [&](tpc_error* error) { return table<tpc_problem>().curvature(self_, v, out, error); });
}

}  // namespace threepc
