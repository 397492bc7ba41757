#include "idx.hpp"

#include <array>
#include <iomanip>
#include <sstream>
#include <string_view>
#include <threepc/sdk/error.hpp>

#include "file_cache.hpp"

namespace {

constexpr std::string_view of_images("\0\0\x08\x03", 4), of_labels("\0\0\x08\x01", 4);

std::string hex(std::string_view bytes) {
  std::ostringstream out;
  out << std::hex << std::setfill('0');
  for (const char byte : bytes)
    out << (out.tellp() == 0 ? "" : " ") << std::setw(2) << unsigned{static_cast<std::uint8_t>(byte)};
  return out.str();
}

/// The dimension that is number `i`, from 0.
std::uint32_t dimension(std::string_view bytes, std::size_t i) {
  std::uint32_t out = 0;
  for (const char byte : bytes.substr(4 + 4 * i, 4)) out = out << 8 | static_cast<std::uint8_t>(byte);
  return out;
}

/// What follows the header of a file with this magic number, whose last byte counts the dimensions.
std::string_view body(const std::string& file, std::string_view bytes, std::string_view magic, const char* content) {
  const std::size_t dimensions = static_cast<std::uint8_t>(magic.back()), header = 4 + 4 * dimensions;
  if (!bytes.starts_with(magic))
    throw tpc::Corrupt(tpc::text(file, ": expected an IDX file of ", content, ", which begins with the bytes ",
                                 hex(magic), ", seen ", bytes.empty() ? "an empty file" : hex(bytes.substr(0, 4))));
  if (bytes.size() < header)
    throw tpc::Corrupt(tpc::text(file, ": expected an IDX header of ", header, " bytes, seen ", bytes.size(),
                                 " bytes in all; fetch the file again"));
  for (std::size_t i = 0; i < dimensions; ++i)
    if (dimension(bytes, i) == 0) throw tpc::Corrupt(file + ": expected dimensions above 0, seen 0");
  return bytes.substr(header);
}

/// Compared by division, because a product of hostile dimensions can overflow.
void require_size(const std::string& file, std::string_view values, std::uint32_t count, std::uint32_t each) {
  if (values.size() % each != 0 || values.size() / each != count)
    throw tpc::Corrupt(tpc::text(file, ": expected ", count, " x ", each, " bytes after the header, seen ",
                                 values.size(), "; fetch the file again"));
}

}  // namespace

std::shared_ptr<const IdxImages> IdxImages::open(const std::string& file) {
  static FileCache<IdxImages> cache;
  return cache.get(file, 0, [&] { return std::make_shared<const IdxImages>(file); });
}

IdxImages::IdxImages(const std::string& file) : name_(file), text_(file), digest_(text_.digest()) {
  constexpr std::uint64_t most = std::uint64_t{1} << 24;
  const std::string_view bytes = text_.text(), values = body(file, bytes, of_images, "images");
  const std::uint64_t rows = dimension(bytes, 1), columns = dimension(bytes, 2);
  if (rows * columns > most)
    throw tpc::Corrupt(tpc::text(file, ": expected at most ", most, " pixels an image, seen ", rows, " x ", columns));
  count_ = dimension(bytes, 0);
  pixels_ = static_cast<std::uint32_t>(rows * columns);
  require_size(file, values, count_, pixels_);
}

std::span<const std::uint8_t> IdxImages::image(std::uint32_t number) const {
  constexpr std::size_t header = 16;
  const auto* const first = reinterpret_cast<const std::uint8_t*>(text_.text().data() + header);
  return {first + std::size_t{number} * pixels_, pixels_};
}

IdxLabels read_idx_labels(const std::string& file, std::uint32_t images) {
  const FileText content(file);
  const std::string_view values = body(file, content.text(), of_labels, "labels");
  require_size(file, values, dimension(content.text(), 0), 1);
  if (values.size() != images)
    throw tpc::Corrupt(tpc::text(file, ": expected one label for each of ", images, " images, seen ", values.size()));
  IdxLabels out{.digest = content.digest()};
  for (const char label : values) out.labels.push_back(static_cast<std::uint8_t>(label));
  return out;
}

std::uint64_t digest_of(const IdxImages& images, const IdxLabels& labels) {
  const std::array<std::uint64_t, 2> both = {images.digest(), labels.digest};
  return digest_of({reinterpret_cast<const char*>(both.data()), sizeof both});
}

bool is_idx_images(const std::string& file) { return FileText(file).text().starts_with(of_images); }
