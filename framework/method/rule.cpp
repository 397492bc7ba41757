#include "method/rule.hpp"

#include <algorithm>
#include <functional>

#include "plugin/streams.hpp"
#include "vector/arithmetic.hpp"

namespace threepc {
namespace {

constexpr std::size_t block_size = 4096;  // coordinates

}  // namespace

Rule::Rule(const PluginSpec& spec, const Membership& membership)
    : rule_(spec, membership, streams::aggregation), fused_(membership.dim) {}

template <class Visit>
void Rule::for_each_block(std::span<const double* const> rows, Visit visit) {
  for (std::size_t first = 0; first < fused_.size(); first += block_size) {
    positions_.clear();
    for (const double* const row : rows) positions_.push_back(row + first);
    visit(first, std::min(block_size, fused_.size() - first));
  }
}

void Rule::pass(std::span<const double* const> rows, std::uint64_t scalars) {
  sums_.assign(scalars, 0.0);
  for_each_block(rows, [&](std::size_t, std::size_t count) {
    block_.assign(scalars, 0.0);
    rule_.partial(positions_.data(), count, block_.data());
    std::transform(sums_.begin(), sums_.end(), block_.begin(), sums_.begin(), std::plus<>());
  });
  rule_.take(sums_.data());
}

bool Rule::combine(std::span<const double* const> rows, RawVector& g) {
  rule_.begin(static_cast<std::uint32_t>(rows.size()));
  int passes = 0;
  for (std::uint64_t scalars = rule_.wants(); scalars > 0; scalars = rule_.wants()) {
    pass(rows, scalars);
    if (++passes > most_passes)
      throw Failure(Exit::plugin, rule_.name() + " misbehaved: it wants more than " + std::to_string(most_passes) +
                                      " passes over the rows (" + rule_.spec().file + ")");
  }
  for_each_block(
      rows, [&](std::size_t first, std::size_t count) { rule_.fuse(positions_.data(), count, fused_.data() + first); });
  round_scaled(1, fused_, g);
  return all_finite(g.dtype(), g.bytes(), g.dim());
}

}  // namespace threepc
