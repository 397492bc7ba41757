// Memory for what a socket receives.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <utility>

namespace threepc::tcp {

/// Bytes that are nothing until something has been received into them: a large message would cost an eighth of its time
/// to be zeros first. What is large grows without a copy, because the system moves its pages.
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(std::size_t size) { grow(size); }
  Buffer(Buffer&& other) noexcept : data_(std::move(other.data_)), size_(std::exchange(other.size_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    data_ = std::move(other.data_);
    size_ = std::exchange(other.size_, 0);
    return *this;
  }

  std::uint8_t* data() { return data_.get(); }
  const std::uint8_t* data() const { return data_.get(); }
  std::size_t size() const { return size_; }

  /// To at least so many bytes.
  void grow(std::size_t size) {
    if (size <= size_) return;
    std::uint8_t* const old = data_.release();
    void* const at = std::realloc(old, size);
    data_.reset(at != nullptr ? static_cast<std::uint8_t*>(at) : old);
    if (at == nullptr) throw std::bad_alloc();
    size_ = size;
  }

 private:
  struct Free {
    void operator()(std::uint8_t* data) const { std::free(data); }
  };
  std::unique_ptr<std::uint8_t, Free> data_;
  std::size_t size_ = 0;
};

}  // namespace threepc::tcp
