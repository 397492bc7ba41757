// What was read from files, shared by the workers of one process.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <tuple>

/// Holds nothing alive: an object lasts as long as those who got it. Any thread; who asks for a file that another
/// thread is reading waits for it.
template <class Parsed>
class FileCache {
 public:
  /// make(), or what an earlier call made of the same file (path, size, time of change) in the same `variant`.
  template <class Make>
  std::shared_ptr<const Parsed> get(const std::string& file, std::uint64_t variant, Make make) {
    const Key key = identify(file, variant);
    const std::lock_guard lock(mutex_);
    if (const auto found = known_.find(key); found != known_.end())
      if (auto shared = found->second.lock()) return shared;
    std::erase_if(known_, [](const auto& entry) { return entry.second.expired(); });
    std::shared_ptr<const Parsed> made = make();
    known_[key] = made;
    return made;
  }

 private:
  using Key = std::tuple<std::string, std::uintmax_t, std::filesystem::file_time_type, std::uint64_t>;

  /// Errors are ignored: what is wrong with a file is said when it is read.
  static Key identify(const std::string& file, std::uint64_t variant) {
    std::error_code ignored;
    const std::filesystem::path path = std::filesystem::canonical(file, ignored);
    return {path.string(), std::filesystem::file_size(path, ignored), std::filesystem::last_write_time(path, ignored),
            variant};
  }

  std::mutex mutex_;
  std::map<Key, std::weak_ptr<const Parsed>> known_;
};
