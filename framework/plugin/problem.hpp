// Problems as the host uses them.
#pragma once

#include <cstdint>
#include <span>

#include "plugin/instance.hpp"

namespace threepc {

class Problem : public Instance {
 public:
  Problem(const PluginSpec& spec, const Membership& membership, std::uint32_t stream);
  Problem(Problem&&) noexcept = default;
  tpc_problem_facts facts() const;
  void start(void* x0) const;
  /// Either out-parameter may be nullptr.
  void evaluate(const tpc_context& context, const void* x, double* value, void* gradient) const;
  bool has_rows() const;
  void evaluate_rows(const tpc_context& context, const void* x, std::span<const std::uint64_t> rows,
                     void* gradient) const;
  bool has_curvature() const;
  void curvature(const double* v, double* out) const;
};

}  // namespace threepc
