// What a member was given, and keeps to.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <threepc/sdk.hpp>

#include "tls.hpp"
#include "token.hpp"

namespace threepc::tcp {

struct Terms {
  const tpc_host* host;
  std::uint32_t workers;
  std::uint32_t rank;  // tpc::server, or the worker's
  std::uint64_t longest_message;
  int keepalive;  // seconds
  std::optional<Token> token;
  std::unique_ptr<const Tls> tls;
  bool insecure;

  std::uint32_t member() const { return rank == tpc::server ? tpc::server_member : tpc::member_of_worker(rank); }
  void log(tpc_log_level level, const std::string& text) const { host->log(level, "tcp", text.c_str()); }
};

}  // namespace threepc::tcp
