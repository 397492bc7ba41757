#include "awake/spanning_tree_node.hpp"

#include <algorithm>
#include <cmath>

#include "graph/splitmix64.hpp"

namespace threepc::awake {

using Self = SpanningTreeNode;

const Self::Block Self::blocks[11] = {
    {Procedure::broadcast, &Self::begin_phase, &Self::say_nothing, &Self::hear_nothing},
    {Procedure::upcast, &Self::begin_choice, &Self::say_best, &Self::hear_candidate},
    {Procedure::broadcast, &Self::begin_nothing, &Self::say_best, &Self::hear_best},
    {Procedure::side, &Self::begin_crossing, &Self::say_best, &Self::hear_choice},
    {Procedure::broadcast, &Self::begin_coin, &Self::say_coin, &Self::hear_coin},
    {Procedure::side, &Self::begin_nothing, &Self::say_coin, &Self::hear_their_coin},
    {Procedure::upcast, &Self::begin_verdict, &Self::say_merging, &Self::hear_vote},
    {Procedure::broadcast, &Self::begin_nothing, &Self::say_merging, &Self::hear_vote},
    {Procedure::side, &Self::begin_nothing, &Self::say_fragment, &Self::hear_place},
    {Procedure::upcast, &Self::begin_merge, &Self::say_new_place, &Self::hear_turn, true},
    {Procedure::broadcast, &Self::begin_nothing, &Self::say_new_place, &Self::hear_new_place, true},
};

const Self::Block Self::lean_start = {Procedure::side, &Self::begin_phase, &Self::say_fragment, &Self::hear_fragment};

bool coin(std::uint64_t seed, std::uint64_t phase, Node root) {
  return graph::SplitMix64((seed << 40) + (phase << 20) + root).next() >> 63 != 0;
}

SpanningTreeNode::SpanningTreeNode(Node self, std::span<const graph::Link> links, const Knowledge& knowledge)
    : self_(self), nodes_(knowledge.nodes), seed_(knowledge.seed), lean_(knowledge.lean), fragment_(self) {
  for (const graph::Link& link : links) edges_.push_back({link});
  (this->*block().begin)();
  if (!attends()) advance();
}

SpanningTreeNode::Key SpanningTreeNode::none() { return {INFINITY, ~Node{0}, ~Node{0}}; }

SpanningTreeNode::Key SpanningTreeNode::key(Port port) const {
  const graph::Link& link = edges_[port].link;
  return {link.weight, std::min(self_, link.node), std::max(self_, link.node)};
}

// ---- when

std::optional<Round> SpanningTreeNode::wakes() const {
  if (ended_) return std::nullopt;
  const Round before = (phase_ * std::size(blocks) + block_) * (2 * nodes_ + 1);
  switch (block().procedure) {
    case Procedure::broadcast:
      return before + depth_ + slot_;
    case Procedure::upcast:
      return before + 2 * nodes_ - depth_ + 1 + slot_;
    default:
      return before + nodes_ + 1;
  }
}

bool SpanningTreeNode::attends() const {
  if (block().merging_only && !merging_) return false;
  if (block().procedure == Procedure::side) return slot_ == 0 && (!lean_ || others_ > 0);
  const bool with_children = (block().procedure == Procedure::upcast) == (slot_ == 0);
  return with_children ? !lean_ || children_ > 0 : !is_root();
}

void SpanningTreeNode::advance() {
  do {
    if (slot_++ == 0) continue;
    slot_ = 0;
    if (++block_ == std::size(blocks)) block_ = 0, ++phase_;
    (this->*block().begin)();
  } while (!ended_ && !attends());
}

void SpanningTreeNode::send(std::vector<Letter>& out) {
  const Procedure procedure = block().procedure;
  if (procedure != Procedure::side && slot_ == 0) return;
  const Message message = (this->*block().say)();
  for (Port port = 0; port < edges_.size(); ++port) {
    const Edge& edge = edges_[port];
    if (procedure == Procedure::side ? is_other(edge)
                                     : edge.role == (procedure == Procedure::upcast ? Role::parent : Role::child))
      out.push_back({port, message});
  }
}

void SpanningTreeNode::receive(std::span<const Letter> in) {
  for (const Letter& letter : in) (this->*block().hear)(letter.port, letter.message);
  advance();
}

std::vector<Port> SpanningTreeNode::tree_ports() const {
  std::vector<Port> ports;
  for (Port port = 0; port < edges_.size(); ++port)
    if (!is_other(edges_[port])) ports.push_back(port);
  return ports;
}

// ---- what, in the order of the blocks

void SpanningTreeNode::begin_phase() {
  if (new_depth_ != unplaced) move();
  for (Edge& edge : edges_)
    if (edge.chosen) edge.role = Role::child, edge.chosen = false;
  count_edges();
}

/// From the node that crosses to its old root, parents and children change places.
void SpanningTreeNode::move() {
  fragment_ = new_fragment_;
  depth_ = new_depth_;
  if (new_parent_ != no_port) {
    if (!is_root()) edges_[parent_].role = Role::child;
    edges_[new_parent_].role = Role::parent;
    parent_ = new_parent_;
  }
  new_depth_ = unplaced;
  new_parent_ = no_port;
}

void SpanningTreeNode::count_edges() {
  const auto children =
      std::count_if(edges_.begin(), edges_.end(), [](const Edge& e) { return e.role == Role::child; });
  children_ = static_cast<std::uint32_t>(children);
  others_ = edges_.size() - children_ - (is_root() ? 0 : 1);
}

void SpanningTreeNode::hear_fragment(Port port, const Message& message) {
  if (message.a == fragment_) edges_[port].role = Role::inner;
}

Port SpanningTreeNode::lightest_unknown() const {
  Port best = no_port;
  for (Port port = 0; port < edges_.size(); ++port)
    if (edges_[port].role == Role::unknown && (best == no_port || key(port).tuple() < key(best).tuple())) best = port;
  return best;
}

void SpanningTreeNode::begin_choice() {
  upcasts_as_root_ += is_root();
  candidate_ = lightest_unknown();
  best_ = candidate_ == no_port ? none() : key(candidate_);
}

void SpanningTreeNode::hear_candidate(Port, const Message& message) {
  const Key other{message.weight, message.a, message.b};
  if (other.tuple() < best_.tuple()) best_ = other;
}

void SpanningTreeNode::hear_best(Port, const Message& message) { best_ = {message.weight, message.a, message.b}; }

/// Without an edge that leads outside the fragment is everything.
void SpanningTreeNode::begin_crossing() {
  ended_ = best_.tuple() == none().tuple();
  crossing_ = candidate_ != no_port && key(candidate_).tuple() == best_.tuple();
}

void SpanningTreeNode::hear_choice(Port port, const Message& message) {
  edges_[port].chosen = key(port).tuple() == std::tuple(message.weight, message.a, message.b);
}

void SpanningTreeNode::begin_coin() {
  if (is_root()) head_ = coin(seed_, phase_, self_);
}

void SpanningTreeNode::hear_coin(Port, const Message& message) { head_ = message.a != 0; }

/// Only from tail to head: else three fragments could join in a ring.
void SpanningTreeNode::hear_their_coin(Port port, const Message& message) {
  const bool theirs = message.a != 0;
  edges_[port].chosen &= head_ && !theirs;
  if (port == candidate_) crossing_ &= !head_ && theirs;
}

void SpanningTreeNode::begin_verdict() {
  upcasts_as_root_ += is_root();
  merging_ = crossing_;
}

void SpanningTreeNode::hear_vote(Port, const Message& message) { merging_ |= message.a != 0; }

void SpanningTreeNode::hear_place(Port port, const Message& message) {
  hear_fragment(port, message);
  if (crossing_ && port == candidate_) hear_turn(port, message);
}

void SpanningTreeNode::begin_merge() { upcasts_as_root_ += is_root() && merging_; }

/// Whoever brings the new place is the new parent. At most one child has it.
void SpanningTreeNode::hear_turn(Port port, const Message& message) {
  if (message.b == unplaced) return;
  hear_new_place(port, message);
  new_parent_ = port;
}

void SpanningTreeNode::hear_new_place(Port, const Message& message) {
  if (new_depth_ != unplaced) return;
  new_fragment_ = message.a;
  new_depth_ = message.b + 1;
}

}  // namespace threepc::awake
