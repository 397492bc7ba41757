// threepc bench: how fast compressors, transports and rounds are on this machine.
#pragma once

#include <string>
#include <vector>

#include "failure.hpp"

namespace threepc::bench {

struct BenchOptions {
  std::string what = "all";  // compressors | transports | round | all
  std::vector<std::string>
      compressors;               // "topk, k=1000" as inline tables without braces; none: a list of built-in ones
  std::string config;            // of "round"; "": a quadratic problem
  std::vector<std::string> set;  // overrides of it
  unsigned dim = 1'000'000;      // of compressors
  std::string dtype = "f32";     // likewise
  double megabytes = 8;          // of transports: a large message
  double seconds = 0.2;          // for each number
  bool json = false;
};

/// Measures and prints, on stdout. Each number stands beside what the machine would allow. Throws Failure.
Exit run(const BenchOptions& options);

}  // namespace threepc::bench
