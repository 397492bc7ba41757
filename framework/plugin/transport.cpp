#include "plugin/transport.hpp"

#include <algorithm>
#include <array>
#include <threepc/sdk/transport.hpp>

#include "plugin/checked_calls.hpp"
#include "plugin/host_services.hpp"

namespace threepc {

Transport::Transport(const PluginSpec& spec, const Membership& membership, std::uint32_t stream)
    : Instance(spec, membership, stream) {
  create<tpc_transport>();
}

void Transport::open(const std::string& address, std::int64_t deadline) {
  checked("open",
          [&](tpc_error* error) { return table<tpc_transport>().open(self_, address.c_str(), deadline, error); });
}

std::string Transport::address() const {
  std::array<char, 512> text{};
  checked("address",
          [&](tpc_error* error) { return table<tpc_transport>().address(self_, text.data(), text.size(), error); });
  return {text.begin(), std::find(text.begin(), text.end(), '\0')};
}

void Transport::join(std::int64_t deadline) {
  checked("join", [&](tpc_error* error) { return table<tpc_transport>().join(self_, deadline, error); });
}

void Transport::send(std::uint32_t to, const tpc_message& message, std::int64_t deadline) {
  checked("send", [&](tpc_error* error) { return table<tpc_transport>().send(self_, to, &message, deadline, error); });
}

void Transport::broadcast(const tpc_message& message, std::int64_t deadline) {
  const auto& t = table<tpc_transport>();
  if (t.broadcast != nullptr) {
    checked("broadcast", [&](tpc_error* error) { return t.broadcast(self_, &message, deadline, error); });
    return;
  }
  const std::uint32_t worker = membership().worker;
  const std::uint32_t own = worker == TPC_SERVER ? tpc::server_member : tpc::member_of_worker(worker);
  for (std::uint32_t member = 0; member <= membership().workers; ++member) {
    if (member == own) continue;
    try {
      send(member, message, deadline);
    } catch (const TransportFailure& failure) {
      if (failure.status() != TPC_CLOSED) throw;  // gone: receive from it tells
    }
  }
}

tpc_message Transport::receive(std::uint32_t from, std::int64_t deadline) {
  tpc_message message = {sizeof(tpc_message), 0, 0, nullptr, 0};
  checked("receive",
          [&](tpc_error* error) { return table<tpc_transport>().receive(self_, from, &message, deadline, error); });
  if (message.data == nullptr && message.size > 0) misbehaved("receive returned a size without data");
  return message;
}

void Transport::cancel() noexcept {
  plainly("cancel", [&] { table<tpc_transport>().cancel(self_); });
}

tpc_traffic Transport::traffic() const {
  tpc_traffic traffic = {sizeof(tpc_traffic), 0, 0, 0, 0, 0};
  checked("traffic", [&](tpc_error* error) { return table<tpc_transport>().traffic(self_, &traffic, error); });
  return traffic;
}

void Transport::close(std::int64_t deadline) {
  checked("close", [&](tpc_error* error) { return table<tpc_transport>().close(self_, deadline, error); });
}

void Transport::limit(std::uint32_t from, std::uint64_t bytes) {
  const auto& t = table<tpc_transport>();
  if (t.limit != nullptr) checked("limit", [&](tpc_error* error) { return t.limit(self_, from, bytes, error); });
}

namespace {

/// A transport before it is made: only what needs no instance can be called.
class UnmadeTransport : public Instance {
 public:
  explicit UnmadeTransport(const PluginSpec& spec) : Instance(spec, {}, 0) {}
  std::optional<Place> place() const {
    const auto& transport = table<tpc_transport>();
    if (transport.place == nullptr) return std::nullopt;
    Place found;
    checked("place",
            [&](tpc_error* error) { return transport.place(&host_services(), &found.member, &found.members, error); });
    if (found.members < 2 || found.member >= found.members)
      misbehaved("place says member " + std::to_string(found.member) + " of " + std::to_string(found.members));
    return found;
  }
};

}  // namespace

std::optional<Place> Transport::place(const PluginSpec& spec) {
  try {
    return UnmadeTransport(spec).place();
  } catch (const TransportFailure& failure) {
    if (failure.status() != TPC_UNSUPPORTED) throw;
    throw Failure(Exit::usage, std::string("transport '") + spec.descriptor->id + "': " + failure.what());
  }
}

}  // namespace threepc
