// Problems as the host uses them.
#pragma once

#include <threepc/draft/exchange.h>
#include <threepc/draft/metrics.h>

#include <cstdint>
#include <span>
#include <string>
#include <threepc/sdk/problem.hpp>
#include <vector>

#include "plugin/instance.hpp"

namespace threepc {

/// nullptr: its workers compute their gradients alone. Throws Failure(Exit::plugin) for a table that is none.
const tpc_exchange* find_exchange(const PluginSpec& problem);
/// How many there are in an evaluation; 0: none.
std::uint32_t exchanges_of(const PluginSpec& problem);
/// Names of what it measures beside f, perhaps none. Throws as find_exchange does.
std::vector<std::string> metric_names(const PluginSpec& problem);

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
  /// In the order of metric_names(), of the last evaluation that gave a value.
  std::vector<tpc::Share> metrics() const;

  // Of problems that have an exchange; see tpc_exchange.
  tpc::Peers peers() const;
  /// `said` holds a parcel for each peer, valid until the next call.
  void stage(const tpc_context& context, std::uint32_t stage, const void* x, std::span<const tpc_parcel> heard,
             std::span<tpc_parcel> said) const;
  void finish(const tpc_context& context, std::uint32_t stage, const void* x, std::span<const tpc_parcel> heard,
              double& value, void* gradient) const;

 private:
  void require_said(std::span<const tpc_parcel> said) const;
};

}  // namespace threepc
