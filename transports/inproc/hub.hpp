// Where the members of a run in one process meet, and how they find it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <threepc/sdk.hpp>
#include <vector>

#include "../ranks.hpp"
#include "mailbox.hpp"

namespace threepc::inproc {

/// Where the members of one run meet: two mailboxes for each worker. Any thread.
class Hub {
 public:
  explicit Hub(std::uint32_t workers)
      : workers_(workers), to_worker_(workers), to_server_(workers), present_(workers) {}

  std::uint32_t workers() const { return workers_; }
  Mailbox& to_worker(std::uint32_t worker) { return to_worker_[worker]; }
  Mailbox& to_server(std::uint32_t worker) { return to_server_[worker]; }

  void join(std::uint32_t worker) {
    const std::lock_guard lock(mutex_);
    if (present_[worker])
      throw tpc::Error(TPC_INVALID_ARGUMENT,
                       tpc::text("rank ", worker, " has already joined; every worker needs a rank of its own"));
    present_[worker] = true;
    ++joined_;
    changed_.notify_all();
  }

  void cancel() {
    const std::lock_guard lock(mutex_);
    cancelled_ = true;
    changed_.notify_all();
  }

  void wait_for_all(std::chrono::steady_clock::time_point deadline) {
    std::unique_lock lock(mutex_);
    const bool done = changed_.wait_until(lock, deadline, [&] { return cancelled_ || joined_ == workers_; });
    if (cancelled_) throw tpc::Error(TPC_CLOSED, "cancelled");
    if (!done) throw tpc::Error(TPC_TIMEOUT, not_joined(missing()));
  }

 private:
  std::vector<std::uint32_t> missing() const {
    std::vector<std::uint32_t> ranks;
    for (std::uint32_t rank = 0; rank < workers_; ++rank)
      if (!present_[rank]) ranks.push_back(rank);
    return ranks;
  }

  const std::uint32_t workers_;
  std::deque<Mailbox> to_worker_, to_server_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<bool> present_;
  std::uint32_t joined_ = 0;
  bool cancelled_ = false;
};

/// The open hubs of this process by name.
class Names {
 public:
  std::string add(const std::shared_ptr<Hub>& hub) {
    const std::lock_guard lock(mutex_);
    std::erase_if(hubs_, [](const auto& item) { return item.second.expired(); });
    std::string name = "inproc:" + std::to_string(++last_);
    hubs_[name] = hub;
    return name;
  }

  std::shared_ptr<Hub> find(std::string_view name) {
    const std::lock_guard lock(mutex_);
    const auto at = hubs_.find(std::string(name));
    return at == hubs_.end() ? nullptr : at->second.lock();
  }

 private:
  std::mutex mutex_;
  std::uint64_t last_ = 0;
  std::map<std::string, std::weak_ptr<Hub>> hubs_;
};

inline Names& names() {
  static Names all;
  return all;
}

}  // namespace threepc::inproc
