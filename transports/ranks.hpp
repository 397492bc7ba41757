// How the transports call members of a run.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <threepc/sdk.hpp>
#include <vector>

namespace threepc {

/// "the server", "worker 3"
inline std::string name_of(std::uint32_t member) {
  return member == tpc::server_member ? "the server" : tpc::text("worker ", tpc::worker_of_member(member));
}

/// "3", "3 and 7", "0, 1, 2 and 5 more"
inline std::string listed(const std::vector<std::uint32_t>& ranks) {
  constexpr std::size_t most = 8;
  std::string text;
  for (std::size_t i = 0; i < std::min(ranks.size(), most); ++i)
    text += (i == 0 ? "" : i + 1 == ranks.size() ? " and " : ", ") + std::to_string(ranks[i]);
  return ranks.size() <= most ? text : text + " and " + std::to_string(ranks.size() - most) + " more";
}

/// "worker 3 has not joined", "workers 3 and 7 have not joined"
inline std::string not_joined(const std::vector<std::uint32_t>& ranks) {
  return ranks.size() == 1 ? "worker " + listed(ranks) + " has not joined"
                           : "workers " + listed(ranks) + " have not joined";
}

}  // namespace threepc
