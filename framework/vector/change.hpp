// What has changed between two vectors, as bytes.
#pragma once

#include "vector/bytes.hpp"
#include "vector/raw_vector.hpp"

namespace threepc {

/// Appends what makes `before` into `after`, of its size, bit for bit; nullptr: what makes zeros into it. How many
/// coordinates differ (u32), for each the distance from the one before it (LEB128; the first: its index), then their
/// values; or 2^32 - 1 and all values, where that is shorter.
void append_change(Bytes& out, const RawVector* before, const RawVector& after);

/// Makes the change to `v`. Throws tpc::Error for malformed bytes; v may be changed by then.
void take_change(tpc::Reader& in, RawVector& v);

}  // namespace threepc
