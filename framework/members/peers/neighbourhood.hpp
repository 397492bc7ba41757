// What a worker has heard of one vector that everybody publishes.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "method/aggregate.hpp"
#include "network/mixing.hpp"

namespace threepc {

/// sum_j w_ij vh_j over the in-neighbours j of worker i. Those with the same weight are one exact sum, as all workers
/// are at a server, so that memory is O(d) for each distinct weight and a round costs what was sent. Sums are exact and
/// unscaled, and multiplied once a round: otherwise sum_i x_i would drift. Not thread-safe.
class Neighbourhood {
 public:
  /// `tree` and `matrix` outlive it.
  Neighbourhood(const Replica& tree, const MixingMatrix& matrix, std::uint32_t worker);

  /// Each in-neighbour's message is absorbed in a round, in ascending order. Throw Failure, as Aggregate does.
  void begin_round(std::uint64_t round);
  void absorb(std::uint32_t from, std::span<const std::uint8_t> program);
  /// out += the sum.
  void add_to(std::span<double> out) const;

  void save(Bytes& out) const;
  void load(tpc::Reader& in);

 private:
  struct Group {
    double weight;
    Aggregate sum;
  };
  std::size_t group_for(double weight, const Replica& tree);

  std::span<const tpc::Link> links_;
  std::vector<Group> groups_;
  std::vector<std::size_t> group_of_;  // of each link
};

}  // namespace threepc
