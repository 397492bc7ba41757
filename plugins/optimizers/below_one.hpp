// The upper bound of a decay factor in [0, 1): ranges of parameters include their ends.
#pragma once

inline constexpr double below_one = 1 - 0x1p-53;
