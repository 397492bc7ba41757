// Transports: rank-addressed messages between the members of a run, with a deadline on every call.
//
//   class Tcp {
//    public:
//     static constexpr tpc::About about = {...};
//     static constexpr auto params = tpc::params(...);
//     Tcp(const TcpOptions& options, const tpc::Setup& setup);
//     void open(std::string_view address, tpc::Deadline);
//     std::string address() const;
//     void join(tpc::Deadline);
//     void send(std::uint32_t to, const tpc_message&, tpc::Deadline);
//     void broadcast(const tpc_message&, tpc::Deadline);              // (optional)
//     tpc_message receive(std::uint32_t from, tpc::Deadline);
//     void cancel() noexcept;                                         // any thread
//     tpc_traffic traffic() const;
//     void close(tpc::Deadline);
//     static tpc::Place place(const tpc_host&);                       // (optional) where others start the members
//     void limit(std::uint32_t from, std::uint64_t bytes);            // (optional) of what a member may send
//   };
//   THREEPC_PLUGINS(tpc::transport<Tcp>);
//
// The contract of each function is in tpc_transport (abi.h). A secret that all members of a run share is in the
// environment's THREEPC_TOKEN: `threepc run` draws one, serve and work take what the user has set, if anything.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <threepc/sdk/plugin.hpp>

namespace tpc {

/// An absolute time of tpc_host.now, in nanoseconds.
struct Deadline {
  std::int64_t at;
};

inline constexpr std::uint32_t server_member = 0;
constexpr std::uint32_t member_of_worker(std::uint32_t worker) { return worker + 1; }
constexpr std::uint32_t worker_of_member(std::uint32_t member) { return member - 1; }

/// Which member a process is, and how many there are with the server.
struct Place {
  std::uint32_t member, members;
};

namespace detail {

/// The function, or nullptr where the class does not have it.
template <bool present, class Function>
constexpr Function* optional(Function* function) {
  return present ? function : nullptr;
}

template <class Impl>
struct TransportTable {
  static Impl& from(void* self) { return *static_cast<Impl*>(self); }

  static tpc_status create(const tpc_host* host, const tpc_setup* setup, void** self, tpc_error* error) noexcept {
    return guard(error,
                 [&] { *self = std::make_unique<Impl>(Impl::params.read(*setup), Setup(*host, *setup)).release(); });
  }
  static tpc_status open(void* self, const char* address, std::int64_t deadline, tpc_error* error) noexcept {
    return guard(error, [&] { from(self).open(address, Deadline{deadline}); });
  }
  static tpc_status address(void* self, char* out, std::size_t capacity, tpc_error* error) noexcept {
    return guard(error, [&] {
      const std::string text = from(self).address();
      if (text.size() >= capacity) throw Error(TPC_INTERNAL, "the address does not fit the host's buffer");
      std::memcpy(out, text.c_str(), text.size() + 1);
    });
  }
  static tpc_status join(void* self, std::int64_t deadline, tpc_error* error) noexcept {
    return guard(error, [&] { from(self).join(Deadline{deadline}); });
  }
  static tpc_status send(void* self, std::uint32_t to, const tpc_message* message, std::int64_t deadline,
                         tpc_error* error) noexcept {
    return guard(error, [&] { from(self).send(to, *message, Deadline{deadline}); });
  }
  static tpc_status broadcast(void* self, const tpc_message* message, std::int64_t deadline,
                              tpc_error* error) noexcept {
    return guard(error, [&] {
      if constexpr (requires { &Impl::broadcast; }) from(self).broadcast(*message, Deadline{deadline});
    });
  }
  static tpc_status receive(void* self, std::uint32_t member, tpc_message* out, std::int64_t deadline,
                            tpc_error* error) noexcept {
    return guard(error, [&] { hand_over(from(self).receive(member, Deadline{deadline}), out); });
  }
  static void cancel(void* self) noexcept { from(self).cancel(); }
  static tpc_status traffic(void* self, tpc_traffic* out, tpc_error* error) noexcept {
    return guard(error, [&] { hand_over(from(self).traffic(), out); });
  }
  static tpc_status close(void* self, std::int64_t deadline, tpc_error* error) noexcept {
    return guard(error, [&] { from(self).close(Deadline{deadline}); });
  }

  static tpc_status limit(void* self, std::uint32_t member, std::uint64_t bytes, tpc_error* error) noexcept {
    return guard(error, [&] {
      if constexpr (requires { &Impl::limit; }) from(self).limit(member, bytes);
    });
  }

  static tpc_status place(const tpc_host* host, std::uint32_t* member, std::uint32_t* members,
                          tpc_error* error) noexcept {
    return guard(error, [&] {
      if constexpr (requires { &Impl::place; }) {
        const Place found = Impl::place(*host);
        *member = found.member;
        *members = found.members;
      }
    });
  }

  static constexpr bool has_broadcast = requires { &Impl::broadcast; };
  static constexpr bool has_place = requires { &Impl::place; };
  static constexpr bool has_limit = requires { &Impl::limit; };
  static constexpr tpc_transport table = {.struct_size = sizeof(tpc_transport),
                                          .reserved = 0,
                                          .create = create,
                                          .destroy = destroy<Impl>,
                                          .open = open,
                                          .address = address,
                                          .join = join,
                                          .send = send,
                                          .broadcast = optional<has_broadcast>(broadcast),
                                          .receive = receive,
                                          .cancel = cancel,
                                          .traffic = traffic,
                                          .close = close,
                                          .place = optional<has_place>(place),
                                          .limit = optional<has_limit>(limit)};
};

}  // namespace detail

template <class Impl>
inline constexpr tpc_descriptor transport = detail::describe<Impl>(TPC_TRANSPORT, f32_and_f64,
                                                                   &detail::TransportTable<Impl>::table);

}  // namespace tpc
