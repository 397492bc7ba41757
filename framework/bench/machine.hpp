// The time of one piece of work, and what the machine's memory allows.
#pragma once

#include <cstddef>
#include <functional>

namespace threepc::bench {

/// Seconds of one call: the shortest of those that fit into `seconds`, at least three, because noise only adds.
double shortest(double seconds, const std::function<void()>& call);

/// Seconds to read so many bytes once, and to copy them, on one core.
double read_seconds(std::size_t bytes, double seconds);
double copy_seconds(std::size_t bytes, double seconds);

}  // namespace threepc::bench
