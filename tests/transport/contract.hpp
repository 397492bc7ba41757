// The suite of what tpc_transport promises, the same for every transport; its tests are in *_contract_test.cpp.
#pragma once

#include <chrono>
#include <string>
#include <thread>
#include <tuple>

#include "exchanges.hpp"
#include "members.hpp"

namespace transport_test {

struct Case {
  std::string id;
  bool has_wire;  // its bytes leave the process, so wire counters run
};

inline std::ostream& operator<<(std::ostream& out, const Case& which) { return out << which.id; }

/// For one to many workers, each in a thread of its own.
class TransportStar : public testing::TestWithParam<std::tuple<Case, std::uint32_t>> {
 protected:
  std::string id() const { return std::get<0>(GetParam()).id; }
  bool has_wire() const { return std::get<0>(GetParam()).has_wire; }
  std::uint32_t workers() const { return std::get<1>(GetParam()); }
};

/// With as many workers as the promise needs.
class TransportContract : public testing::TestWithParam<Case> {
 protected:
  std::string id() const { return GetParam().id; }
};

/// Of those that take workers in again.
class TransportRejoin : public TransportContract {
 protected:
  void SetUp() override {
    if ((spec_of(id()).descriptor->capabilities & TPC_REJOINS) == 0)
      GTEST_SKIP() << id() << " does not take a worker in again (no TPC_REJOINS)";
  }
};

/// Between processes, some of which are killed or stopped.
class TransportProcesses : public TransportContract {};

/// Gives the other thread time to be inside its call. Only ever makes a test see more, never fail.
inline void let_it_block() { std::this_thread::sleep_for(std::chrono::milliseconds(50)); }

}  // namespace transport_test
