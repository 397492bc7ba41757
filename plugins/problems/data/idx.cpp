#include "idx.hpp"

#include <string_view>
#include <threepc/sdk/error.hpp>

#include "file_text.hpp"

namespace {

constexpr unsigned unsigned_byte = 8;
constexpr std::uint64_t largest = std::uint64_t{1} << 40;

std::uint32_t big_endian(std::string_view bytes) {
  std::uint32_t out = 0;
  for (const char byte : bytes.substr(0, 4)) out = out << 8 | static_cast<std::uint8_t>(byte);
  return out;
}

template <class... Parts>
[[noreturn]] void refuse(const std::string& file, const Parts&... parts) {
  throw tpc::Corrupt(tpc::text(file, ": ", parts...));
}

}  // namespace

IdxBytes read_idx(const std::string& file) {
  const FileText content(file);
  std::string_view bytes = content.text();
  if (bytes.size() < 4) refuse(file, "expected an IDX file, seen ", bytes.size(), " bytes");
  const std::uint32_t magic = big_endian(bytes);
  const std::uint32_t count = magic & 0xff;
  if (magic >> 8 != unsigned_byte || count == 0)
    refuse(file, "expected the magic number 2048 + dimensions of an IDX file of unsigned bytes, seen ", magic);
  bytes.remove_prefix(4);
  if (bytes.size() < 4 * std::size_t{count})
    refuse(file, "expected ", count, " dimensions of 4 bytes, seen ", bytes.size(), " bytes after the magic number");
  IdxBytes out;
  std::uint64_t values = 1;
  for (std::uint32_t i = 0; i < count; ++i, bytes.remove_prefix(4)) {
    out.dimensions.push_back(big_endian(bytes));
    values *= out.dimensions.back();
    if (values == 0 || values > largest) refuse(file, "expected dimensions above 0 and at most 2^40 values in all");
  }
  if (bytes.size() != values)
    refuse(file, "expected ", values, " bytes after the header, seen ", bytes.size(), "; fetch the file again");
  out.values.assign(bytes.begin(), bytes.end());
  return out;
}
