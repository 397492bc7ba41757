#include "token.hpp"

#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <threepc/sdk.hpp>
#include <vector>

#include "secret_file.hpp"

namespace threepc::tcp {
namespace {

// Whoever records a handshake can try tokens against it at leisure, so it must be more than a word.
constexpr std::size_t shortest = 16;
constexpr std::size_t longest = 4096;
constexpr const char* how_to_make_one = "; make one with: (umask 077; openssl rand -hex 32 > token)";

std::string content_of(const std::string& file) {
  require_private("token_file", file);
  std::ifstream in(file, std::ios::binary);
  std::string text(longest + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (in.bad() || text.empty()) throw tpc::BadParameter("token_file", file + " cannot be read, or is empty");
  return text;
}

std::string without_space_at_end(std::string text) {
  text.erase(text.find_last_not_of(" \t\r\n") + 1);
  return text;
}

}  // namespace

Nonce random_nonce() {
  Nonce nonce;
  if (RAND_bytes(nonce.data(), static_cast<int>(nonce.size())) != 1)
    throw tpc::Error(TPC_IO, "the operating system gives no random numbers");
  return nonce;
}

std::optional<Token> Token::find(const std::optional<std::string>& file) {
  const char* const given = std::getenv("THREEPC_TOKEN");
  if (!file && (given == nullptr || *given == '\0')) return std::nullopt;
  Token token(without_space_at_end(file ? content_of(*file) : given));
  const std::string place = file ? *file : "THREEPC_TOKEN";
  if (token.secret_.size() < shortest || token.secret_.size() > longest)
    throw tpc::BadParameter(file ? "token_file" : "",
                            tpc::text(place, ": a token has ", shortest, " to ", longest, " bytes, this one ",
                                      token.secret_.size(), how_to_make_one));
  return token;
}

Proof Token::prove(const char (&role)[17], const Handshake& handshake) const {
  std::vector<std::uint8_t> text(role, role + sizeof role);
  const auto add = [&](const auto& part) { text.insert(text.end(), part.begin(), part.end()); };
  add(handshake.server_nonce);
  add(to_bytes(handshake.join));
  add(handshake.binding);
  Proof proof;
  unsigned size = 0;
  if (HMAC(EVP_sha256(), secret_.data(), static_cast<int>(secret_.size()), text.data(), text.size(), proof.data(),
           &size) == nullptr ||
      size != proof.size())
    throw tpc::Error(TPC_INTERNAL, "OpenSSL cannot compute HMAC-SHA-256");
  return proof;
}

bool is_equal(const Proof& proof, std::span<const std::uint8_t> received) {
  return received.size() == proof.size() && CRYPTO_memcmp(proof.data(), received.data(), proof.size()) == 0;
}

}  // namespace threepc::tcp
