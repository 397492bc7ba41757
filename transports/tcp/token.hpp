// The join token: both ends prove that they have it, and it never crosses.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>

#include "frame.hpp"

namespace threepc::tcp {

using Proof = std::array<std::uint8_t, 32>;

/// What a handshake is about. Proofs of one are worth nothing in another.
struct Handshake {
  Join join;
  Nonce server_nonce;
  std::array<std::uint8_t, 32> binding;  // of the stream; see Stream::binding
};

Nonce random_nonce();

class Token {
 public:
  /// The content of `file`, without white space at its end; where there is no file, of THREEPC_TOKEN; none without
  /// either. Throws tpc::Error when it is too short to be a secret, or a file that others can read.
  static std::optional<Token> find(const std::optional<std::string>& file);

  /// HMAC-SHA-256 over the role and the handshake, keyed with the token.
  Proof of_worker(const Handshake& handshake) const { return prove("threepc worker 2", handshake); }
  Proof of_server(const Handshake& handshake) const { return prove("threepc server 2", handshake); }

 private:
  explicit Token(std::string secret) : secret_(std::move(secret)) {}
  Proof prove(const char (&role)[17], const Handshake& handshake) const;

  std::string secret_;
};

/// In constant time.
bool is_equal(const Proof& proof, std::span<const std::uint8_t> received);

}  // namespace threepc::tcp
