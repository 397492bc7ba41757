// Plugin instances as the host uses them: every call is checked, and a failure names the plugin.
#pragma once

#include <threepc/abi.h>

#include <cstdint>
#include <exception>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "failure.hpp"
#include "plugin/spec.hpp"
#include "vector/raw_vector.hpp"

namespace threepc {

/// The host's services, one table for the process. `log_threshold` follows set_log_sink.
const tpc_host& host_services();

/// Where tpc_host.log goes; the default drops everything. Set before the first plugin is created.
void set_log_sink(void (*sink)(tpc_log_level, const char* source, const char* text), tpc_log_level threshold);

/// A failed call of a transport, kept apart from Failure because the caller adds the round and the peer.
class TransportFailure : public Failure {
 public:
  TransportFailure(tpc_status status, const std::string& what) : Failure(code_of(status), what), status_(status) {}
  tpc_status status() const noexcept { return status_; }

 private:
  static Exit code_of(tpc_status status);
  tpc_status status_;
};

/// A matrix inside the vector; see tpc_block.
struct Block {
  std::uint32_t rows = 0, columns = 1;
  bool operator==(const Block&) const = default;
};

/// What an instance is made for; see tpc_setup.
struct Membership {
  tpc_dtype dtype = TPC_F64;
  std::uint32_t dim = 0;
  std::uint32_t workers = 1;
  std::uint32_t worker = TPC_SERVER;
  std::uint64_t seed = 0;
  std::vector<Block> blocks = {};  // cover dim; none: the vector is one block
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

/// Theory constants as tpc_constants defines them; NaN where there is none.
struct TheoryConstants {
  static constexpr double none = std::numeric_limits<double>::quiet_NaN();
  double alpha = none, omega = none, A = none, B = none;
  double joint_A = none, joint_B = none, B_spread = none, keep = none, values = none;
};

class Compressor : public Instance {
 public:
  /// `stream` is the compressor's own; the compressors nested in it have the streams after it, depth first.
  Compressor(const PluginSpec& spec, const Membership& membership, std::uint32_t stream, Role role);
  Compressor(Compressor&&) noexcept;
  ~Compressor();

  /// How many streams a compressor of this spec takes: one for it and one for each that is nested in it.
  static std::uint32_t streams(const PluginSpec& spec);

  /// Checked: alpha in [0, 1] or NaN, omega >= 0 or NaN, at least one of them.
  TheoryConstants constants() const;
  /// Appends the payload of C(a - b) to `out` and returns its size in bytes; b may be nullptr.
  std::size_t encode(const tpc_context& context, const void* a, const void* b, std::vector<std::uint8_t>& out) const;
  /// out += scale * decode(payload); returns the number of values that the payload carries.
  std::uint64_t accumulate(const tpc_context& context, std::span<const std::uint8_t> payload, const tpc_sum& out) const;

  /// Bytes of the longest payload.
  std::uint64_t max_payload() const { return max_payload_; }
  /// The declared state vectors of this encoder and of what is nested in it; a replica has none.
  std::vector<RawVector*> state() const;

 private:
  struct Nested;

  template <class Body>
  void guarded(const char* call, Body&& body, const tpc_context* about = nullptr) const;

  std::vector<std::unique_ptr<Nested>> nested_;
  mutable std::exception_ptr nested_failure_;  // of a nested compressor, on its way through this one's plugin
  mutable std::vector<RawVector> state_;
  std::vector<void*> state_pointers_;
  std::uint64_t max_payload_ = 0;
};

/// Throws Failure(Exit::usage) unless a compressor with these constants is of the class that the slot takes.
void require_class(const tpc_slot& slot, const PluginSpec& child, const TheoryConstants& constants);

class Mechanism : public Instance {
 public:
  Mechanism(const PluginSpec& spec, const Membership& membership, std::uint32_t stream);
  Mechanism(Mechanism&&) noexcept = default;

  /// Checked: A in (0, 1] and B >= 0, or both NaN.
  TheoryConstants constants(const std::vector<TheoryConstants>& children) const;
  void propose(const tpc_context& context, const tpc_points& points, tpc_program& program) const;
};

class Optimizer : public Instance {
 public:
  Optimizer(const PluginSpec& spec, const Membership& membership, std::uint32_t stream);
  void step(const tpc_context& context, const void* g, void* x, void* const* state) const;
};

class Problem : public Instance {
 public:
  Problem(const PluginSpec& spec, const Membership& membership, std::uint32_t stream);
  Problem(Problem&&) noexcept = default;
  tpc_problem_facts facts() const;
  void start(void* x0) const;
  /// Either out-parameter may be nullptr.
  void evaluate(const tpc_context& context, const void* x, double* value, void* gradient) const;
  bool has_rows() const;
  void evaluate_rows(const tpc_context& context, const void* x, std::span<const std::uint64_t> rows,
                     void* gradient) const;
  bool has_curvature() const;
  void curvature(const double* v, double* out) const;
};

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
