// The bytes of a data file, decompressed if it is compressed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

/// Names a data set for tpc_problem_facts.data_digest: XXH3, never 0. Finds accidents, not adversaries.
std::uint64_t digest_of(std::string_view bytes);

/// A read-only view of a regular file. gzip, bzip2 and xz are recognised by their first bytes, not by the file's
/// name, and decompressed into memory; anything else is mapped, so that processes that read one file share its
/// pages. Throws tpc::Error: TPC_IO for a file that cannot be read, TPC_CORRUPT for a compressed one that is
/// damaged, cut off, of another kind (zip, zstd, UTF-16), or decompresses to more than 64 MiB and more than 200 times
/// its size.
class FileText {
 public:
  explicit FileText(const std::string& file);
  FileText(const FileText&) = delete;
  FileText& operator=(const FileText&) = delete;
  ~FileText();

  /// Without a byte order mark of UTF-8. Valid as long as the object.
  std::string_view text() const {
    const std::string_view all = is_decompressed_ ? std::string_view(decompressed_) : mapped();
    return all.substr(all.starts_with("\xef\xbb\xbf") ? 3 : 0);
  }

  std::uint64_t digest() const { return digest_of(text()); }  // reads all of it

 private:
  FileText() = default;
  std::string_view mapped() const { return {static_cast<const char*>(data_), size_}; }
  void map(const std::string& file);
  void unmap();

  void* data_ = nullptr;
  std::size_t size_ = 0;
  bool is_decompressed_ = false;
  std::string decompressed_;
};
