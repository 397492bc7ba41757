// A directed graph is one along which everybody reaches everybody, or is refused by name.
#include "network/digraph.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "failure.hpp"
#include "graphs.hpp"

namespace threepc {
namespace {

using Links = std::vector<tpc::Link>;
using testing::HasSubstr;

std::string refusal(std::uint32_t workers, const Links& links) {
  try {
    Digraph(workers, links, "the graph");
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.code(), Exit::usage);
    return failure.what();
  }
  return "";
}

TEST(Digraph, ListsWhoSendsToWhomBySender) {
  const Digraph graph(3, {{2, 0}, {0, 1}, {1, 2}, {1, 0}}, "");
  ASSERT_EQ(graph.to(0).size(), 2u);
  EXPECT_EQ(graph.to(0)[0].from, 1u);
  EXPECT_EQ(graph.to(0)[1].from, 2u);
  EXPECT_EQ(graph.to(2)[0].from, 1u);
  EXPECT_EQ(graph.out_degree(1), 2u);
  EXPECT_FALSE(graph.is_undirected());
  EXPECT_TRUE(Digraph(2, {{0, 1}, {1, 0}}, "").is_undirected());
}

TEST(Digraph, OneWorkerAloneAndTwoAreGraphs) {
  EXPECT_EQ(refusal(1, {}), "");
  EXPECT_EQ(refusal(2, {{0, 1}, {1, 0}}), "");
}

TEST(Digraph, NamesTwoWorkersOfWhomOneCannotReachTheOther) {
  EXPECT_THAT(refusal(3, {{0, 1}, {1, 0}, {2, 0}}), HasSubstr("no way from worker 0 to worker 2"));
  EXPECT_THAT(refusal(3, {{0, 1}, {1, 0}, {1, 2}}), HasSubstr("no way from worker 2 to worker 0"));
  EXPECT_THAT(refusal(2, {}), HasSubstr("no way from worker 0 to worker 1"));
}

TEST(Digraph, RefusesWhatIsNoLink) {
  EXPECT_THAT(refusal(2, {{0, 1}, {1, 0}, {1, 1}}), HasSubstr("from worker 1 to worker 1"));
  EXPECT_THAT(refusal(2, {{0, 1}, {1, 2}}), HasSubstr("who count from 0"));
  EXPECT_THAT(refusal(2, {{0, 1}, {1, 0}, {0, 1}}), HasSubstr("there twice"));
  EXPECT_THAT(refusal(2, {{0, 1, 0.5}, {1, 0}}), HasSubstr("give all links one, or none"));
  EXPECT_THAT(refusal(2, {{0, 1, 0.5}, {1, 0, 1.5}}), HasSubstr("at most 1"));
}

}  // namespace
}  // namespace threepc
