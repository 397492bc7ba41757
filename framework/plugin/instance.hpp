// A plugin instance as the host uses it: every call is checked, and a failure names the plugin. Each kind's handle has
// a file of its own beside this.
#pragma once

#include <threepc/abi.h>

#include <cstdint>
#include <string>
#include <threepc/sdk/context.hpp>
#include <vector>

#include "failure.hpp"
#include "plugin/spec.hpp"

namespace threepc {

/// A failed call of a transport, kept apart from Failure because the caller adds the round and the peer.
class TransportFailure : public Failure {
 public:
  TransportFailure(tpc_status status, const std::string& what) : Failure(code_of(status), what), status_(status) {}
  tpc_status status() const noexcept { return status_; }

 private:
  static Exit code_of(tpc_status status);
  tpc_status status_;
};

/// What an instance is made for; see tpc_setup.
struct Membership {
  tpc_dtype dtype = TPC_F64;
  std::uint32_t dim = 0;
  std::uint32_t workers = 1;
  std::uint32_t worker = TPC_SERVER;
  std::uint64_t seed = 0;
  std::vector<tpc::Block> blocks = {};  // cover dim; none: the vector is one block
};

/// Whoever makes messages decodes only its own; a replica decodes what came from others.
enum class Role { encoder, replica };

/// Owns one instance and the values it was made from. Base of the five handles.
class Instance {
 public:
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;
  const PluginSpec& spec() const { return *spec_; }
  const Membership& membership() const { return membership_; }
  /// "compressor 'topk'", for messages
  std::string name() const;
  /// A context of this instance for the given round and worker.
  tpc_context context(std::uint64_t round, std::uint32_t worker, double stepsize) const;
  Role role() const { return role_; }

 protected:
  Instance(const PluginSpec& spec, const Membership& membership, std::uint32_t stream, Role role = Role::encoder);
  Instance(Instance&&) noexcept;
  Instance& operator=(Instance&&) = delete;
  ~Instance();

  template <class Table>
  const Table& table() const {
    return *static_cast<const Table*>(spec_->descriptor->table);
  }
  /// `children` are those of a compressor; others get only their number.
  template <class Table>
  void create(const std::vector<const tpc_child*>& children = {});
  /// Calls `body(tpc_error*)`; a status other than TPC_OK becomes a Failure that names the plugin, the call
  /// and the parameter; an exception, an unknown status or another floating-point environment than before is the
  /// plugin's misbehaviour. `about` says whose call of which round it is, for crash reports; null: this member's, of
  /// none.
  template <class Body>
  void checked(const char* call, Body&& body, const tpc_context* about = nullptr) const;
  /// The same for a function that cannot fail; puts the floating-point environment back in silence.
  template <class Body>
  void plainly(const char* call, Body&& body) const;
  void destroy() noexcept;
  [[noreturn]] void misbehaved(const std::string& what) const;

  void* self_ = nullptr;
  void (*destroy_)(void*) = nullptr;

 private:
  template <class Body>
  tpc_status status_of(const char* call, Body&& body, const tpc_context* about, tpc_error& error) const;

  [[noreturn]] void failed(const char* call, tpc_status status, const tpc_error& error) const;
  using CreateFunction = tpc_status (*)(const tpc_host*, const tpc_setup*, void**, tpc_error*);
  void make(CreateFunction create_it, const std::vector<const tpc_child*>& children);

  const PluginSpec* spec_;
  const char* file_;  // spec_->file, as long as the process lives
  Membership membership_;
  std::uint32_t stream_;
  Role role_;
};

}  // namespace threepc
