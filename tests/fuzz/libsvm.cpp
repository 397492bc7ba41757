// A LIBSVM file from anywhere, plain or compressed.
#include "data/libsvm.hpp"

#include <cmath>
#include <numeric>

#include "data_file.hpp"

namespace {

using threepc::fuzz::promise;
using threepc::fuzz::read_data;

void check_rows(const LibsvmFile& file) {
  std::vector<std::uint32_t> all(file.labels().size());
  std::iota(all.begin(), all.end(), 0u);
  const CompressedRows rows = file.rows(all);
  promise(rows.row_begin.size() == all.size() + 1 && rows.row_begin.back() == rows.columns.size(), "rows are whole");
  for (std::size_t i = 0; i < rows.columns.size(); ++i)
    promise(rows.columns[i] < file.features() && std::isfinite(rows.values[i]), "entries are numbers inside a row");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const threepc::fuzz::MemoryFile input({data, size});
  for (const std::optional<std::uint32_t> features : {std::optional<std::uint32_t>(), std::optional(5u)})
    read_data([&] {
      const LibsvmFile file(input.name(), features);
      check_rows(file);
      read_data([&] { promise(file.classes().size() >= 2, "classes are two or more"); });
      read_data([&] { promise(file.two_classes().size() == 2, "two classes are two"); });
      read_data([&] {
        const std::vector<double> classes = file.classes();
        const std::vector<std::uint32_t> of_rows = file.class_of_rows(classes);
        for (std::size_t r = 0; r < of_rows.size(); ++r)
          promise(classes[of_rows[r]] == file.labels()[r], "each row is of its label's class");
      });
      for (const double largest : file.largest_values()) promise(std::isfinite(largest), "a largest value is a number");
    });
  return 0;
}
