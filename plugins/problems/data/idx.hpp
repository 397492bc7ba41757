// IDX files, the format of MNIST (http://yann.lecun.com/exdb/mnist): big-endian; 0, 0, type, number of dimensions, the
// dimensions as u32, then the values in row-major order.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

/// Unsigned bytes of any number of dimensions, the first of which counts the items.
struct IdxBytes {
  std::vector<std::uint32_t> dimensions;
  std::vector<std::uint8_t> values;

  std::size_t items() const { return dimensions.front(); }
  std::size_t item_size() const { return items() == 0 ? 0 : values.size() / items(); }
};

/// Plain or compressed (FileText). Throws tpc::Error with TPC_IO, or TPC_CORRUPT and "FILE: expected ..., seen ..." for
/// anything that is not an IDX file of unsigned bytes with exactly the announced values, at least one.
IdxBytes read_idx(const std::string& file);
