// What a worker calls itself, so that its server knows it again.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <random>
#include <string>

namespace threepc::tcp {

/// A random number for the worker `name` of a run ("RANK@ADDRESS"), never that of another one alive. When this
/// object is gone, the next of the same name in this process gets the same number: its server may not have noticed
/// yet that the link was cut, and learns from it that nobody else holds the rank.
class Identity {
 public:
  explicit Identity(const std::string& name) : name_(name), number_(take(name)) {}
  ~Identity() {
    const std::lock_guard lock(mutex_);
    free_.insert_or_assign(name_, number_);
  }
  Identity(const Identity&) = delete;
  Identity& operator=(const Identity&) = delete;

  std::uint64_t number() const { return number_; }

 private:
  static std::uint64_t take(const std::string& name) {
    const std::lock_guard lock(mutex_);
    if (const auto node = free_.extract(name)) return node.mapped();
    std::random_device random;
    return std::uint64_t{random()} << 32 | random();
  }

  static inline std::mutex mutex_;
  static inline std::map<std::string, std::uint64_t> free_;
  std::string name_;
  std::uint64_t number_;
};

}  // namespace threepc::tcp
