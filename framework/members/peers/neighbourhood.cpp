#include "members/peers/neighbourhood.hpp"

#include <algorithm>

#include "vector/arithmetic.hpp"

namespace threepc {

Neighbourhood::Neighbourhood(const Replica& tree, const MixingMatrix& matrix, std::uint32_t worker)
    : links_(matrix.graph().to(worker)) {
  for (const double weight : matrix.to(worker)) group_of_.push_back(group_for(weight, tree));
}

std::size_t Neighbourhood::group_for(double weight, const Replica& tree) {
  const auto same = [&](const Group& group) { return group.weight == weight; };
  const auto found = std::find_if(groups_.begin(), groups_.end(), same);
  if (found != groups_.end()) return static_cast<std::size_t>(found - groups_.begin());
  groups_.push_back({weight, Aggregate(tree, tree.membership())});
  return groups_.size() - 1;
}

void Neighbourhood::begin_round(std::uint64_t round) {
  for (Group& group : groups_) group.sum.begin_round(round);
}

void Neighbourhood::absorb(std::uint32_t from, std::span<const std::uint8_t> program) {
  const auto less = [](const tpc::Link& link, std::uint32_t worker) { return link.from < worker; };
  const auto link = std::lower_bound(links_.begin(), links_.end(), from, less) - links_.begin();
  groups_[group_of_[static_cast<std::size_t>(link)]].sum.absorb(from, program);
}

void Neighbourhood::add_to(std::span<double> out) const {
  for (const Group& group : groups_) add_scaled(group.weight, group.sum.sum().sum(), out);
}

void Neighbourhood::save(Bytes& out) const {
  for (const Group& group : groups_) group.sum.save(out);
}

void Neighbourhood::load(tpc::Reader& in) {
  for (Group& group : groups_) group.sum.load(in);
}

}  // namespace threepc
