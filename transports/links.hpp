// Which members a member has links to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <threepc/sdk.hpp>
#include <vector>

#include "ranks.hpp"

namespace threepc {

/// Those of a star: the server has one to every worker, at the index of its rank; a worker has one, to the server, at
/// 0.
class Star {
 public:
  Star(std::uint32_t workers, std::uint32_t rank) : workers_(workers), rank_(rank) {}

  bool is_server() const { return rank_ == tpc::server; }
  std::size_t size() const { return is_server() ? workers_ : 1; }
  std::uint32_t own_member() const { return is_server() ? tpc::server_member : tpc::member_of_worker(rank_); }
  std::uint32_t member_at(std::size_t index) const {
    return is_server() ? tpc::member_of_worker(static_cast<std::uint32_t>(index)) : tpc::server_member;
  }

  /// Throws tpc::Error(TPC_UNSUPPORTED) for a member that this one has no link to.
  std::size_t index_of(std::uint32_t member) const {
    const bool reachable =
        is_server() ? member != tpc::server_member && member <= workers_ : member == tpc::server_member;
    if (!reachable) throw tpc::Error(TPC_UNSUPPORTED, "this member has no connection to " + name_of(member));
    return is_server() ? tpc::worker_of_member(member) : 0;
  }

  /// Throws tpc::Error(TPC_UNSUPPORTED) for a worker.
  void require_server() const {
    if (!is_server()) throw tpc::Error(TPC_UNSUPPORTED, "only the server broadcasts");
  }

  /// The ranks of a server's links of which `is_there(rank)` is not true.
  template <class IsThere>
  std::vector<std::uint32_t> missing(IsThere is_there) const {
    std::vector<std::uint32_t> ranks;
    for (std::uint32_t rank = 0; rank < workers_; ++rank)
      if (!is_there(rank)) ranks.push_back(rank);
    return ranks;
  }

 private:
  std::uint32_t workers_;
  std::uint32_t rank_;
};

/// Throws tpc::Error(TPC_INVALID_ARGUMENT) for a message that is longer than [transport] max_message.
inline void require_length(std::uint64_t size, std::uint64_t longest) {
  if (size > longest)
    throw tpc::Error(TPC_INVALID_ARGUMENT,
                     tpc::text("a message of ", size, " bytes exceeds [transport] max_message = ", longest));
}

}  // namespace threepc
