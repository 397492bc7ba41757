// What this machine's one core can do at best, measured now, because a virtual machine's share varies.
#pragma once

#include <cstddef>

namespace bench {

/// Bytes a second read from a buffer of this size that was read before, so from whichever cache holds it.
double read_bandwidth(std::size_t bytes);

/// Additions of doubles a second, in the widest registers that the plugins use.
double additions();

}  // namespace bench
