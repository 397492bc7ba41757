// Rules of aggregation as the host uses them.
#pragma once

#include <threepc/draft/aggregator.h>

#include <cstdint>
#include <span>

#include "plugin/instance.hpp"

namespace threepc {

/// See tpc_aggregator for the order of calls.
class Aggregator : public Instance {
 public:
  Aggregator(const PluginSpec& spec, const Membership& membership, std::uint32_t stream);
  void begin(std::uint32_t n) const;
  std::uint64_t wants() const;
  void partial(const double* const* rows, std::size_t count, double* scalars) const;
  void take(const double* scalars) const;
  void fuse(const double* const* rows, std::size_t count, double* out) const;
};

}  // namespace threepc
