// Runs whose workers need each other in every round, and what does not go with them.
#pragma once

#include <string>

#include "config/run_config.hpp"
#include "config/section.hpp"

namespace threepc {

/// A key of another sort of run than this. Throws Failure, if it is there.
void refuse(Section section, const char* key, const std::string& why);

/// A lost worker is waited for, unless [faults] says otherwise. Throws Failure for keys by which one could be missing;
/// `where`: "on a graph"; `lazy`: what [faults] on_worker_loss = "lazy" would do.
void require_everybody(Section& root, RunConfig& config, const std::string& where, const std::string& lazy);

/// The same for a problem whose workers say something to each other before a gradient is known. Throws Failure.
void read_exchange(Section& root, RunConfig& config);

}  // namespace threepc
