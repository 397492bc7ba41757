// A graph whose nodes have features and a class, some of which are known.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <threepc/sdk.hpp>
#include <vector>

#include "../data/libsvm.hpp"

/// Files, or a planted partition that is drawn: classes are communities, and word j is of the topic j mod classes.
struct GraphOptions {
  std::optional<tpc::Path> graph, features, train_nodes;
  std::int64_t train = 20;
  std::int64_t nodes = 300, classes = 3, words = 60;
  double p_in = 0.05, p_out = 0.005, p_topic = 0.2, p_word = 0.05;
};

/// The same on every worker. Nodes count from 0; neighbours ascend and are without the node itself.
struct NodeGraph {
  std::vector<std::vector<std::uint32_t>> neighbours;
  CompressedRows features;  // a row a node
  std::uint32_t feature_count = 0;
  std::uint32_t class_count = 0;
  std::vector<std::uint32_t> class_of;
  std::vector<bool> is_train;
  std::uint32_t train_count = 0;
  std::uint64_t digest = 0;  // of all that it was read from; 0: of nothing

  std::uint32_t size() const { return static_cast<std::uint32_t>(class_of.size()); }

  /// From files, or drawn with the run's seed. Throws tpc::Error with TPC_IO or TPC_CORRUPT and "FILE:LINE: expected
  /// ..., seen ...", and tpc::BadParameter.
  static NodeGraph make(const GraphOptions& options, const tpc::Setup& setup);
};
