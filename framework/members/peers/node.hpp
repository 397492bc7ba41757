// A worker of a graph, without the network: its vectors, what it publishes, what it has heard.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "members/peers/neighbourhood.hpp"
#include "members/peers/network.hpp"
#include "members/peers/publisher.hpp"

namespace threepc {

/// Plays the rounds of threepc/draft/peers.h. A round is mix(), adapt(), where mix() asks for a gradient, and
/// publish(); before publish(), x() is x^round. Not thread-safe.
class GraphNode {
 public:
  /// By round.
  using Stepsize = std::function<double(std::uint64_t round)>;
  /// What an in-neighbour published, in its words.
  struct Heard {
    std::uint32_t from;
    std::span<const std::uint8_t> publication;
  };

  /// Throws Failure.
  GraphNode(const RunConfig& config, const Membership& membership, std::shared_ptr<const Network> network,
            Stepsize stepsize);

  /// Becomes a node that has played no round, at x^0.
  void start(const RawVector& x0);
  /// With what the in-neighbours published in the round before, in ascending order; in round 0 there is nothing.
  /// Returns where adapt() wants a gradient, valid until then; nullptr: nowhere in this round. Throws Failure,
  /// tpc::Error.
  const RawVector* mix(std::uint64_t round, std::span<const Heard> heard);
  /// With g = grad f_i there.
  void adapt(std::uint64_t round, const RawVector& g);
  /// Replaces `publication` by what this node says in the round: for each published vector the size of a program (u64)
  /// and the program.
  void publish(std::uint64_t round, Bytes& publication);

  /// x^round: a numerator, where the method divides by y.
  const RawVector& x() const { return shown_ ? *shown_ : x_; }
  const Network& network() const { return *network_; }
  const MechanismTree& mechanism() const { return publishers_.front().encoder(); }

  void save(Bytes& out) const;
  void load(tpc::Reader& in);

 private:
  tpc_context context(std::uint64_t round) const;
  void mix(std::uint64_t round);
  std::vector<const void*> deltas() const;
  void absorb(std::uint64_t round, std::span<const Heard> heard);
  void compute_deltas();
  const RawVector& estimate();
  const RawVector& vector(std::size_t published) const;
  std::vector<void*> state();

  Membership membership_;
  std::shared_ptr<const Network> network_;
  Stepsize stepsize_;
  PeerMethod method_;
  std::vector<Replica> replicas_;
  std::vector<Publisher> publishers_;
  std::vector<Neighbourhood> heard_;
  double consensus_;
  PushSumWeights weights_;
  RawVector x_, estimate_;
  std::optional<RawVector> shown_;  // of a method that adapts first: x before it did
  std::vector<RawVector> state_;
  std::vector<RawVector> delta_;
  std::vector<double> mixed_;
  Bytes program_;
};

}  // namespace threepc
