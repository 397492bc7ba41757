// Transports as the host uses them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "plugin/instance.hpp"

namespace threepc {

/// Which member of a run this process is, where something else has started the members; see tpc_transport.place.
struct Place {
  std::uint32_t member = 0, members = 0;
};

/// Deadlines are absolute times of tpc_host.now. Failures are TransportFailure.
class Transport : public Instance {
 public:
  Transport(const PluginSpec& spec, const Membership& membership, std::uint32_t stream);
  Transport(Transport&&) noexcept = default;
  void open(const std::string& address, std::int64_t deadline);
  std::string address() const;
  void join(std::int64_t deadline);
  void send(std::uint32_t to, const tpc_message& message, std::int64_t deadline);
  void broadcast(const tpc_message& message, std::int64_t deadline);  // to every other member
  tpc_message receive(std::uint32_t from, std::int64_t deadline);
  void cancel() noexcept;  // any thread
  tpc_traffic traffic() const;
  void close(std::int64_t deadline);
  /// From now on `from` may send no longer message. Nothing happens where the transport has no such bound.
  void limit(std::uint32_t from, std::uint64_t bytes);

  /// nullopt: the host starts the workers of this transport itself. Throws Failure(Exit::usage) if it is for others
  /// to start them and nobody has.
  static std::optional<Place> place(const PluginSpec& spec);
};

}  // namespace threepc
