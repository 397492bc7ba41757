// The Unix-domain sockets beside the shared memory: members meet there, wake each other, and notice each other's end,
// because the kernel closes them. They live in the abstract namespace, so no file is left behind; only processes of the
// same user are spoken to.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "descriptor.hpp"

namespace threepc::shm {

/// What a worker says first.
struct Hello {
  static constexpr std::uint32_t expected_magic = 0x48533354;  // "T3SH"
  static constexpr std::uint32_t expected_version = 1;
  std::uint32_t magic = expected_magic;
  std::uint32_t version = expected_version;
  std::uint32_t rank = 0;
  std::uint32_t workers = 0;  // that it expects
};

/// What the server answers; the segment comes with it, or a text that says why not.
struct Answer {
  std::uint64_t ring = 0;  // bytes; 0: refused
  std::array<char, 504> refusal{};
};

/// A connected socket of type SOCK_SEQPACKET that never blocks.
class Socket {
 public:
  Socket() = default;
  explicit Socket(Descriptor descriptor) : descriptor_(std::move(descriptor)) {}

  explicit operator bool() const { return static_cast<bool>(descriptor_); }
  int number() const { return descriptor_.number(); }
  void close() { descriptor_.reset(); }

  bool peer_is_same_user() const;

  /// Wakes the peer. If its queue is full it has unheard wake-ups anyway; if it is gone, hear() tells.
  void ring() const;
  /// Takes all wake-ups that came. False: the peer is gone.
  bool hear() const;

  enum class Arrival { nothing, packet, end };
  /// One packet of exactly this size; anything else but silence is the end.
  Arrival receive(Hello& out) const;
  Arrival receive(Answer& out, Descriptor& segment) const;
  bool send(const Hello& hello) const;
  bool send(const Answer& answer, const Descriptor* segment) const;

 private:
  Descriptor descriptor_;
};

/// Listens under `name`. Throws TPC_INVALID_ARGUMENT when it is in use or no name.
Descriptor listen_at(std::string_view name);
/// The next who connects, or nothing.
std::optional<Socket> accept_from(const Descriptor& listener);
/// nullopt: nobody listens there, or too many are waiting; try again later.
std::optional<Socket> connect_to(std::string_view name);

/// A name that no other server has.
std::string fresh_name();

}  // namespace threepc::shm
