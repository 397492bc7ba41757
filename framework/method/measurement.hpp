// What one worker's round looked like beside what theory says of it ([run] measure = true).
#pragma once

#include <vector>

namespace threepc {

/// Squared norms, the sums of a round of one worker; h is the point before the program, h_new after it.
struct Measurement {
  double left = 0;      // ||h_new - x||^2, what the 3PC inequality bounds
  double behind = 0;    // ||h - y||^2
  double movement = 0;  // ||x - y||^2
  struct Codec {
    double error = 0;  // ||C(v) - v||^2 over all uses in the round
    double size = 0;   // ||v||^2
  };
  std::vector<Codec> codecs;  // one per compressor of the mechanism
};

}  // namespace threepc
