#include "plugin/aggregator.hpp"

#include "plugin/checked_calls.hpp"

namespace threepc {

Aggregator::Aggregator(const PluginSpec& spec, const Membership& membership, std::uint32_t stream)
    : Instance(spec, membership, stream) {
  create<tpc_aggregator>();
}

void Aggregator::begin(std::uint32_t n) const {
  checked("begin", [&](tpc_error* error) { return table<tpc_aggregator>().begin(self_, n, error); });
}

std::uint64_t Aggregator::wants() const {
  std::uint64_t scalars = 0;
  checked("wants", [&](tpc_error* error) { return table<tpc_aggregator>().wants(self_, &scalars, error); });
  const std::uint64_t n = membership().workers, most = n * n + 64 * n + 64;
  if (scalars > most)
    misbehaved("it wants " + std::to_string(scalars) + " scalars, more than " + std::to_string(most) + " for " +
               std::to_string(n) + " workers");
  return scalars;
}

void Aggregator::partial(const double* const* rows, std::size_t count, double* scalars) const {
  checked("partial",
          [&](tpc_error* error) { return table<tpc_aggregator>().partial(self_, rows, count, scalars, error); });
}

void Aggregator::take(const double* scalars) const {
  checked("take", [&](tpc_error* error) { return table<tpc_aggregator>().take(self_, scalars, error); });
}

void Aggregator::fuse(const double* const* rows, std::size_t count, double* out) const {
  checked("fuse", [&](tpc_error* error) { return table<tpc_aggregator>().fuse(self_, rows, count, out, error); });
}

}  // namespace threepc
