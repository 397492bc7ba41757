// A file without a disk, for readers that take a path.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <span>
#include <string>

#include "target.hpp"

namespace threepc::fuzz {

class MemoryFile {
 public:
  explicit MemoryFile(std::span<const std::uint8_t> content) : descriptor_(::memfd_create("input", MFD_CLOEXEC)) {
    promise(descriptor_ >= 0, "the kernel makes memory files");
    const ssize_t written = ::write(descriptor_, content.data(), content.size());
    promise(written == static_cast<ssize_t>(content.size()), "a memory file takes its content");
  }
  explicit MemoryFile(const std::string& text)
      : MemoryFile({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}) {}
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  ~MemoryFile() { ::close(descriptor_); }

  std::string name() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_;
};

}  // namespace threepc::fuzz
