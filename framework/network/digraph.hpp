// A directed graph on the workers of a run.
#pragma once

#include <cstdint>
#include <span>
#include <threepc/sdk/topology.hpp>
#include <vector>

#include "config/run_config.hpp"

namespace threepc {

/// Who sends to whom. Strongly connected, without links of a worker to itself. Immutable.
class Digraph {
 public:
  /// `source` names where the links come from, for messages: "[topology] plugin = \"ring\"". Throws
  /// Failure(Exit::usage) for a link that is none, for one named twice, where only some have weights, and, naming two
  /// workers, for a graph in which one cannot reach the other.
  Digraph(std::uint32_t workers, std::vector<tpc::Link> links, const std::string& source);

  std::uint32_t workers() const { return static_cast<std::uint32_t>(first_.size() - 1); }
  /// The links to `worker`, by ascending sender.
  std::span<const tpc::Link> to(std::uint32_t worker) const {
    return std::span(links_).subspan(first_[worker], first_[worker + 1] - first_[worker]);
  }
  /// All, by ascending receiver, then sender.
  std::span<const tpc::Link> links() const { return links_; }
  std::uint32_t out_degree(std::uint32_t worker) const { return out_degree_[worker]; }
  bool has_weights() const { return !links_.empty() && links_.front().weight == links_.front().weight; }
  /// Whether there is a link the other way for each.
  bool is_undirected() const;
  const std::string& source() const { return source_; }

 private:
  void check(const tpc::Link& link) const;
  void require_strongly_connected() const;
  std::vector<bool> reached(bool backwards) const;

  std::string source_;
  std::vector<tpc::Link> links_;
  std::vector<std::size_t> first_;  // of each worker's, and the end
  std::vector<std::uint32_t> out_degree_;
};

/// The graph of the run's topology. Throws Failure.
Digraph digraph_of(const RunConfig& config);

}  // namespace threepc
