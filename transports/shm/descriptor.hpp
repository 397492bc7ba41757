// A file descriptor with an owner, and the words for what the system refused.
#pragma once

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <threepc/sdk.hpp>
#include <utility>

namespace threepc::shm {

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~Descriptor() { reset(); }

  explicit operator bool() const { return number_ >= 0; }
  int number() const { return number_; }
  void reset() {
    if (number_ >= 0) ::close(std::exchange(number_, -1));
  }

 private:
  int number_ = -1;
};

/// "cannot WHAT: Too many open files", from errno.
inline tpc::Error system_error(const std::string& what) {
  const int code = errno;
  const char* cure = code == EMFILE ? "; raise the limit of open files (ulimit -n)" : "";
  return {code == ENOMEM ? TPC_NO_MEMORY : TPC_IO, tpc::text("cannot ", what, ": ", std::strerror(code), cure)};
}

/// A new descriptor, or the error in errno.
inline Descriptor checked(int number, const std::string& what) {
  if (number < 0) throw system_error(what);
  return Descriptor(number);
}

}  // namespace threepc::shm
