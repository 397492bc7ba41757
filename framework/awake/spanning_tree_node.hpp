// The randomized awake-optimal minimum spanning tree, as the program of one node.
//
// Every node belongs to a fragment, a tree that is part of the minimum spanning tree; it knows the fragment's name (its
// root's number), its own depth in it, its parent and its children. At first each node is a fragment. In a phase each
// fragment finds its lightest outgoing edge and its root throws a coin; a fragment with tail whose edge leads to one
// with head is merged into that one. So merging fragments are stars around heads, and a constant share of them
// vanishes.
//
// A phase is eleven blocks of 2n+1 rounds, and each block is one of three procedures in which a node at depth i is
// awake in at most two rounds of the block (the transmission schedule; the root's depth is 0):
//   broadcast  the root's message goes down   hear in round i, say in i+1
//   upcast     what children say goes up      hear in round 2n-i+1, say in 2n-i+2
//   side       across edges of no tree        both in round n+1
// A parent says in the round in which its children hear, and the other way round; so nothing is ever said to a sleeper.
//
// After Augustine, Moses, Pandurangan, arXiv 2204.08385 (the blocks as in F. T. Cunningham's simulator of it). Edges
// are compared by weight, then by the numbers of their ends, so that weights need not differ.
#pragma once

#include <tuple>

#include "awake/sleeping_model.hpp"

namespace threepc::awake {

/// What all nodes know from the start.
struct Knowledge {
  Node nodes = 0;          // n
  std::uint64_t seed = 0;  // of the coins
  /// Ours: block 0, in which the published algorithm says nothing that matters, tells neighbours the fragment, so that
  /// no edge inside of one is taken for outgoing; and nodes sleep in rounds in which nobody can say anything to them
  /// and they have nobody to say anything to.
  bool lean = false;
};

/// The root of fragment `root` throws this in `phase`: heads or tails.
bool coin(std::uint64_t seed, std::uint64_t phase, Node root);

class SpanningTreeNode final : public NodeProgram {
 public:
  SpanningTreeNode(Node self, std::span<const graph::Link> links, const Knowledge& knowledge);

  std::optional<Round> wakes() const override;
  void send(std::vector<Letter>& out) override;
  void receive(std::span<const Letter> in) override;

  /// Ports of the edges of the tree, as far as it has grown.
  std::vector<Port> tree_ports() const;
  /// Phases that are complete.
  std::uint64_t phases() const { return phase_; }
  /// How often it took part in an upcast as the root, which the published simulator counts as one more round each.
  std::uint64_t upcasts_as_root() const { return upcasts_as_root_; }

 private:
  enum class Role : std::uint8_t {
    unknown,
    inner,
    parent,
    child
  };  // inner: both ends in one fragment, but not in its tree

  struct Edge {
    graph::Link link;
    Role role = Role::unknown;
    bool chosen = false;  // by the fragment at the other end, in this phase
  };

  /// A total order on edges; `none` is after all.
  struct Key {
    double weight;
    Node lower, higher;
    auto tuple() const { return std::tuple(weight, lower, higher); }
  };
  static Key none();

  enum class Procedure : std::uint8_t { broadcast, upcast, side };

  /// What a block is for: done when it begins, said in it, done with what is heard.
  struct Block {
    Procedure procedure;
    void (SpanningTreeNode::*begin)();
    Message (SpanningTreeNode::*say)() const;
    void (SpanningTreeNode::*hear)(Port, const Message&);
    bool merging_only = false;
  };
  static const Block blocks[11];
  static const Block lean_start;  // in place of the first

  const Block& block() const { return lean_ && block_ == 0 ? lean_start : blocks[block_]; }
  bool is_root() const { return parent_ == no_port; }
  bool has_children() const { return children_ > 0; }
  bool is_other(const Edge& edge) const { return edge.role == Role::unknown || edge.role == Role::inner; }
  Key key(Port port) const;

  void advance();
  bool attends() const;
  Port lightest_unknown() const;
  void move();
  void count_edges();

  void begin_nothing() {}
  void begin_phase();
  void begin_choice();
  void begin_crossing();
  void begin_coin();
  void begin_verdict();
  void begin_merge();

  Message say_nothing() const { return {}; }
  Message say_fragment() const { return {0, fragment_, depth_}; }
  Message say_best() const { return {best_.weight, best_.lower, best_.higher}; }
  Message say_coin() const { return {0, head_, 0}; }
  Message say_merging() const { return {0, merging_, 0}; }
  Message say_new_place() const { return {0, new_fragment_, new_depth_}; }

  void hear_nothing(Port, const Message&) {}
  void hear_fragment(Port port, const Message& message);
  void hear_candidate(Port port, const Message& message);
  void hear_best(Port port, const Message& message);
  void hear_choice(Port port, const Message& message);
  void hear_coin(Port port, const Message& message);
  void hear_their_coin(Port port, const Message& message);
  void hear_vote(Port port, const Message& message);
  void hear_place(Port port, const Message& message);
  void hear_turn(Port port, const Message& message);
  void hear_new_place(Port port, const Message& message);

  static constexpr Port no_port = ~Port{0};
  static constexpr Node unplaced = ~Node{0};

  Node self_;
  std::uint64_t nodes_, seed_;
  bool lean_;
  std::vector<Edge> edges_;
  std::size_t others_ = 0;

  Node fragment_, depth_ = 0;
  Port parent_ = no_port;
  std::uint32_t children_ = 0;

  std::uint64_t phase_ = 0, upcasts_as_root_ = 0;
  std::uint8_t block_ = 0, slot_ = 0;  // slot 0: hear, or both in a side block; 1: say
  bool ended_ = false;

  Port candidate_ = no_port;                                // this node's lightest edge that may lead outside
  Key best_ = none();                                       // the fragment's
  bool head_ = false, merging_ = false, crossing_ = false;  // crossing: the fragment leaves by this node's candidate
  Node new_fragment_ = 0, new_depth_ = unplaced;
  Port new_parent_ = no_port;  // none: the parent stays
};

}  // namespace threepc::awake
