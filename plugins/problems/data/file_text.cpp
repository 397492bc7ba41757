#include "file_text.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/iostreams/device/array.hpp>
#include <boost/iostreams/filter/bzip2.hpp>
#include <boost/iostreams/filter/gzip.hpp>
#include <boost/iostreams/filter/lzma.hpp>
#include <boost/iostreams/filtering_stream.hpp>
#include <cerrno>
#include <cstring>
#include <threepc/sdk/error.hpp>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace {

namespace io = boost::iostreams;

/// Bytes that a file may decompress to. Text of numbers shrinks tenfold or so; what grows beyond this was made to fill
/// the memory.
std::size_t largest(std::size_t compressed) {
  constexpr std::size_t always = std::size_t{64} << 20, times = 200;
  return std::max(always, times * compressed);
}

[[noreturn]] void refuse(const std::string& file, const char* reason) {
  throw tpc::Error(TPC_IO, tpc::text(file, ": cannot be read: ", reason));
}

struct Format {
  const char* name;
  std::string_view magic;
  void (*push)(io::filtering_istream&);
};

constexpr std::array<Format, 3> formats = {{
    {"gzip", "\x1f\x8b", [](io::filtering_istream& in) { in.push(io::gzip_decompressor()); }},
    {"bzip2", "BZh", [](io::filtering_istream& in) { in.push(io::bzip2_decompressor()); }},
    {"xz",
     std::string_view("\xfd"
                      "7zXZ\0",
                      6),
     [](io::filtering_istream& in) { in.push(io::lzma_decompressor()); }},
}};

/// What people have, and what to do with it.
struct Foreign {
  std::string_view magic;
  const char* name;
  const char* advice;
};

constexpr std::array<Foreign, 4> foreign = {{
    {"PK\x03\x04", "a zip archive", "unpack it and name the file in it"},
    {"\x28\xb5\x2f\xfd", "a file that zstd has compressed", "decompress it: zstd -d"},
    {"\xff\xfe", "text in UTF-16", "convert it: iconv -f UTF-16 -t UTF-8"},
    {"\xfe\xff", "text in UTF-16", "convert it: iconv -f UTF-16 -t UTF-8"},
}};

void refuse_foreign(std::string_view bytes, const std::string& file) {
  for (const Foreign& format : foreign)
    if (bytes.starts_with(format.magic))
      throw tpc::Corrupt(tpc::text(file, ": expected text, plain or compressed by gzip, bzip2 or xz, seen ",
                                   format.name, "; ", format.advice));
}

const Format* format_of(std::string_view bytes) {
  for (const Format& format : formats)
    if (bytes.starts_with(format.magic)) return &format;
  return nullptr;
}

/// All that the stream gives; errors of the filters are thrown, because the stream is told so.
std::string read_all(io::filtering_istream& in, std::size_t limit, const std::string& file) {
  std::string out;
  std::array<char, 1 << 16> chunk{};
  in.exceptions(std::ios::badbit);
  while (in.read(chunk.data(), chunk.size()) || in.gcount() > 0) {
    out.append(chunk.data(), static_cast<std::size_t>(in.gcount()));
    if (out.size() > limit)
      throw tpc::Corrupt(
          tpc::text(file, ": expected at most ", limit,
                    " bytes when decompressed (200 times its size, or 64 MiB), seen more; if you trust the file, "
                    "decompress it and name the result"));
  }
  return out;
}

std::string decompressed(const Format& format, std::string_view bytes, const std::string& file) {
  io::filtering_istream in;
  format.push(in);
  in.push(io::array_source(bytes.data(), bytes.size()));
  return read_all(in, largest(bytes.size()), file);
}

/// Zero bytes behind the last member, as tapes and block devices leave them, which gzip itself ignores. Up to eight of
/// them are its checksum and size, how many only decompressing tells.
std::string without_padding(const Format& format, std::string_view bytes, const std::string& file) {
  constexpr std::size_t trailer = 8;
  const std::size_t content = bytes.find_last_not_of('\0') + 1;
  for (std::size_t zeros = 0; zeros <= trailer && content + zeros < bytes.size(); ++zeros) try {
      return decompressed(format, bytes.substr(0, content + zeros), file);
    } catch (const io::gzip_error&) {
    }
  throw io::gzip_error(io::gzip::bad_footer);
}

std::string tolerantly_decompressed(const Format& format, std::string_view bytes, const std::string& file) {
  try {
    return decompressed(format, bytes, file);
  } catch (const io::gzip_error&) {
    return without_padding(format, bytes, file);
  }
}

std::string decompress(const Format& format, std::string_view bytes, const std::string& file) {
  try {
    return tolerantly_decompressed(format, bytes, file);
  } catch (const tpc::Error&) {
    throw;
  } catch (const std::exception&) {
    throw tpc::Corrupt(tpc::text(file, ": expected a complete ", format.name,
                                 " file, seen one that is damaged or cut off; fetch it again"));
  }
}

}  // namespace

std::uint64_t digest_of(std::string_view bytes) {
  return std::max<std::uint64_t>(1, XXH3_64bits(bytes.data(), bytes.size()));
}

/// It exists before the body runs, so that a file that cannot be decompressed is unmapped.
FileText::FileText(const std::string& file) : FileText() {
  map(file);
  refuse_foreign(mapped(), file);
  const Format* format = format_of(mapped());
  if (format == nullptr) return;
  decompressed_ = decompress(*format, mapped(), file);
  is_decompressed_ = true;
  unmap();
}

void FileText::map(const std::string& file) {
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) refuse(file, std::strerror(errno));
  struct stat status {};
  const bool known = ::fstat(descriptor, &status) == 0;
  if (known && S_ISREG(status.st_mode) && status.st_size > 0) {
    size_ = static_cast<std::size_t>(status.st_size);
    void* const mapping = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (mapping != MAP_FAILED) data_ = mapping;
  }
  const int reason = errno;
  ::close(descriptor);
  if (!known || (size_ > 0 && data_ == nullptr)) refuse(file, std::strerror(reason));
  if (!S_ISREG(status.st_mode)) refuse(file, "not a regular file");
}

void FileText::unmap() {
  if (data_ != nullptr) ::munmap(data_, size_);
  data_ = nullptr;
}

FileText::~FileText() { unmap(); }
