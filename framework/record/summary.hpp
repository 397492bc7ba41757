// What a finished run says about itself.
#pragma once

#include <limits>
#include <string>
#include <vector>

#include "record/metrics.hpp"

namespace threepc {

struct Summary {
  Metrics last;  // the last evaluated round
  std::string
      stopped_by;  // rounds | grad_norm | grad_norm_sq | uplink_bits_per_worker | seconds | diverged | interrupted
  double stepsize = std::numeric_limits<double>::quiet_NaN();  // gamma, the multiplier included
  double multiplier = 1;
  double A = std::numeric_limits<double>::quiet_NaN();
  double B = std::numeric_limits<double>::quiet_NaN();
  double L_minus = std::numeric_limits<double>::quiet_NaN();
  double L_plus = std::numeric_limits<double>::quiet_NaN();
  std::uint32_t dim = 0;
  std::uint32_t workers = 0;
  std::uint64_t worker_losses = 0;  // each time that one was lost
  std::string x_hash;
  std::string transport;
  struct Plugin {
    std::string kind, id, version, place;
  };
  std::vector<Plugin> plugins;
};

/// summary.json, indented, keys as the contract fixes them.
std::string to_json_text(const Summary& summary);

}  // namespace threepc
