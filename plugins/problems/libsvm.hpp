// LIBSVM text: one row a line, "label index:value index:value ...", indices from 1 and increasing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// One worker's rows of a two-class data set, in compressed row storage: row r has the entries
/// row_begin[r] .. row_begin[r + 1] of `columns` (from 0) and `values`.
struct LibsvmShard {
  std::uint32_t features = 0;       // d: the largest index in the whole file, or what the caller forced
  std::vector<double> labels = {};  // -1 for the smaller of the file's two labels, +1 for the other
  std::vector<std::size_t> row_begin = {};
  std::vector<std::uint32_t> columns = {};
  std::vector<double> values = {};
};

/// Which part of a file to keep: rows [part m, (part + 1) m) with m = floor(rows / parts), in file order; the
/// rows from parts * m on belong to nobody.
struct LibsvmSelection {
  std::uint32_t part = 0;
  std::uint32_t parts = 1;
  std::optional<std::uint32_t> features = {};  // d, if it is not to be read off the file
};

/// Reads and checks the whole file, because d and the labels are properties of all rows, and stores one part.
/// Blank lines, '#' comments and CRLF are accepted. Throws tpc::Error with TPC_IO, or TPC_CORRUPT and
/// "FILE:LINE: expected ..., seen ..." for the first malformed line, a third label, an index above `features`,
/// and without the line for a single label, no features at all, or fewer rows than parts.
LibsvmShard read_libsvm(const std::string& file, const LibsvmSelection& selection);
