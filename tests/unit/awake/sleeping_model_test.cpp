// The model itself: who is awake hears, who sleeps does not, and both is counted.
#include "awake/sleeping_model.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

#include "graph/generators.hpp"

namespace threepc::awake {
namespace {

/// Awake in the given rounds, in each of which it says its number of the round at every port.
class Listed final : public NodeProgram {
 public:
  Listed(std::size_t degree, std::vector<Round> rounds) : degree_(degree), rounds_(std::move(rounds)) {}

  std::optional<Round> wakes() const override {
    return next_ < rounds_.size() ? std::optional(rounds_[next_]) : std::nullopt;
  }
  void send(std::vector<Letter>& out) override {
    for (Port port = 0; port < degree_; ++port) out.push_back({port, {static_cast<double>(rounds_[next_])}});
  }
  void receive(std::span<const Letter> in) override {
    ++next_;
    heard_.insert(heard_.end(), in.begin(), in.end());
  }
  const std::vector<Letter>& heard() const { return heard_; }

 private:
  std::size_t degree_, next_ = 0;
  std::vector<Round> rounds_;
  std::vector<Letter> heard_;
};

struct Simulated {
  std::vector<std::unique_ptr<NodeProgram>> programs;
  Ledger ledger;

  Simulated(const graph::Graph& graph, const std::vector<std::vector<Round>>& rounds) {
    const graph::Links links(graph);
    for (Node v = 0; v < graph.nodes; ++v) programs.push_back(std::make_unique<Listed>(links.degree(v), rounds[v]));
    ledger = simulate(Wiring(links, graph.nodes), programs);
  }
  const std::vector<Letter>& heard(Node v) const { return static_cast<const Listed&>(*programs[v]).heard(); }
};

/// 0 - 1 - 2.
TEST(SleepingModel, AMessageToASleeperIsLostAndCounted) {
  const Simulated run(graph::generate("path:3", 1), {{1, 4}, {1, 4, 9}, {4}});
  // Round 1: 0 and 1 hear each other, 1 to 2 is lost. Round 4: all four are heard. Round 9: both of 1's are lost.
  EXPECT_EQ(run.ledger.sent(), 3u + 4u + 2u);
  EXPECT_EQ(run.ledger.lost(), 1u + 2u);
  EXPECT_EQ(run.ledger.nodes[1].lost, 3u);
  EXPECT_EQ(run.ledger.nodes[1].awake, 3u);
  EXPECT_EQ(run.ledger.nodes[2].awake, 1u);
  EXPECT_EQ(run.ledger.last, 9u);
  EXPECT_EQ(run.heard(2).size(), 1u);
  EXPECT_EQ(run.heard(1).size(), 3u);
}

TEST(SleepingModel, MessagesArriveAtThePortOfTheirLink) {
  const graph::Graph graph = graph::generate("er:20", 5);
  const graph::Links links(graph);
  const Wiring wiring(links, graph.nodes);
  for (Node v = 0; v < graph.nodes; ++v)
    for (Port port = 0; port < links.degree(v); ++port) {
      const auto [node, back] = wiring.across(v, port);
      EXPECT_EQ(node, links.of(v)[port].node);
      EXPECT_EQ(links.of(node)[back].node, v);
      EXPECT_EQ(links.of(node)[back].weight, links.of(v)[port].weight);
    }
}

TEST(SleepingModel, NobodyWakesInThePast) {
  EXPECT_THROW(Simulated(graph::generate("path:2", 1), {{3, 2}, {3}}), std::logic_error);
  EXPECT_THROW(Simulated(graph::generate("path:2", 1), {{3, 3}, {3}}), std::logic_error);
  EXPECT_THROW(Simulated(graph::generate("path:2", 1), {{0}, {}}), std::logic_error);
}

}  // namespace
}  // namespace threepc::awake
