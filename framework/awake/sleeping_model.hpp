// The sleeping CONGEST model: rounds are synchronous, a node is awake or asleep in each, and what is sent to one that
// sleeps is lost. A node decides itself in which round it is awake next. It knows its own number, its links and their
// weights, and what it has heard; nothing else.
//
// Augustine, Moses, Pandurangan, "Awake Complexity of Distributed Minimum Spanning Tree", arXiv 2204.08385.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "graph/graph.hpp"

namespace threepc::awake {

using graph::Node;
using Round = std::uint64_t;  // from 1
using Port = std::uint32_t;   // a node's name for one of its links: its place among them

/// O(log n) bits: a weight and two numbers, whose meaning is the algorithm's.
struct Message {
  double weight = 0;
  std::uint32_t a = 0, b = 0;
};

/// A message at the port where it leaves or has arrived.
struct Letter {
  Port port;
  Message message;
};

/// What runs at one node.
class NodeProgram {
 public:
  virtual ~NodeProgram() = default;

  /// The next round in which the node is awake, after the present one; none once it has ended.
  virtual std::optional<Round> wakes() const = 0;
  /// Called in that round: what the node sends in it.
  virtual void send(std::vector<Letter>& out) = 0;
  /// Then, in the same round: what has arrived, in no particular order. wakes() is asked afterwards.
  virtual void receive(std::span<const Letter> in) = 0;
};

/// What a node has done, or the network.
struct Account {
  Round awake = 0;  // rounds
  std::uint64_t sent = 0, lost = 0;
};

struct Ledger {
  std::vector<Account> nodes;
  Round last = 0;  // in which anybody was awake

  std::uint64_t sent() const;
  std::uint64_t lost() const;
};

/// Which node and port a link leads to.
class Wiring {
 public:
  explicit Wiring(const graph::Links& links, Node nodes);

  struct End {
    Node node;
    Port port;
  };
  End across(Node v, Port port) const { return ends_[start_[v] + port]; }
  Node nodes() const { return static_cast<Node>(start_.size() - 1); }

 private:
  std::vector<std::size_t> start_;
  std::vector<End> ends_;
};

/// Runs the programs, one for each node, until all have ended; rounds in which all sleep take no time. Throws
/// std::logic_error for a program that would be awake in a round that is over.
Ledger simulate(const Wiring& wiring, std::span<const std::unique_ptr<NodeProgram>> programs);

}  // namespace threepc::awake
