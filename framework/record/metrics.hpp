// What is measured at an evaluated round, and how it is written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace threepc {

/// A value that only some runs have, under its own key.
struct NamedValue {
  std::string key;
  double value;
};

/// One line of metrics.jsonl. Counters are cumulative and include round 0. NaN means unavailable, written as
/// null.
struct Metrics {
  std::uint64_t round = 0;
  double f = std::numeric_limits<double>::quiet_NaN();
  double grad_norm_sq = std::numeric_limits<double>::quiet_NaN();  // ||grad f(x)||^2, of the true gradient
  double uplink_floats_per_worker = 0;                             // values only, the papers' convention
  double uplink_bits_per_worker = 0;                               // the exact messages
  double downlink_bits_per_worker = 0;
  double evaluation_bits_per_worker = 0;  // of what is said for these lines alone; in summary.json
  std::uint64_t wire_bytes = 0;           // everything on the server's sockets, both ways
  std::uint32_t skipped = 0;              // workers that skipped this round
  double seconds = 0;
  std::vector<NamedValue> measured = {};  // [run] measure, the lower end of a bound, what a graph or an exchange costs
  std::vector<NamedValue> metrics = {};   // of the problem, beside f
};

/// The line without its end, keys as the contract fixes them.
std::string to_json_line(const Metrics& metrics);

/// A hash of x in every evaluated round, each chained to the one before, so that two runs with equal chains
/// had equal bits of x throughout (XXH3, 64 bit, the previous value as seed).
class HashChain {
 public:
  void add(const void* x, std::size_t size);
  std::string hex() const;
  std::uint64_t value() const { return value_; }
  /// Goes on from the value of an earlier chain.
  void resume(std::uint64_t value) { value_ = value; }

 private:
  std::uint64_t value_ = 0;
};

}  // namespace threepc
