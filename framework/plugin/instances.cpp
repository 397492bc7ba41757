#include "plugin/instances.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <limits>
#include <utility>

#include "plugin/calls.hpp"
#include "plugin/float_control.hpp"

namespace threepc {
namespace {

/// Behind what a plugin may write. A loop that runs too far is seen here; what jumps over it is for the crash report.
constexpr std::size_t guard_bytes = 512;
constexpr auto guard_pattern = [] {
  std::array<std::uint8_t, guard_bytes> out{};
  out.fill(0xA5);
  return out;
}();

/// Puts the floating-point environment back, whatever a call did to it.
class RestoredFloats {
 public:
  explicit RestoredFloats(FloatControl before) : before_(before) {}
  RestoredFloats(const RestoredFloats&) = delete;
  RestoredFloats& operator=(const RestoredFloats&) = delete;
  ~RestoredFloats() {
    if (FloatControl::now() != before_) before_.restore();
  }

 private:
  FloatControl before_;
};

/// Says for its lifetime which plugin call the thread is in.
class CallScope {
 public:
  explicit CallScope(const PluginCall& call) : record_(own_calls()), outer_(record_.call()) { record_.begin(call); }
  CallScope(const CallScope&) = delete;
  CallScope& operator=(const CallScope&) = delete;
  ~CallScope() { record_.end(outer_); }

 private:
  CallRecord& record_;
  PluginCall outer_;
};

const char* status_text(tpc_status status) {
  static constexpr const char* texts[] = {
      "ok",        "invalid argument", "unsupported",   "corrupt input", "input/output error",
      "timed out", "closed",           "out of memory", "internal error"};
  return texts[status];
}

bool known_status(tpc_status status) { return status >= TPC_OK && status <= TPC_INTERNAL; }

/// Which exit code a failed call means. A data file belongs to problems alone, a lost peer to transports.
Exit code_for(tpc_kind kind, tpc_status status) {
  if (status == TPC_INVALID_ARGUMENT || status == TPC_UNSUPPORTED) return Exit::usage;
  if (status == TPC_INTERNAL) return Exit::plugin;
  if (status == TPC_NO_MEMORY) return Exit::unexpected;
  if (kind == TPC_PROBLEM) return Exit::data;
  return kind == TPC_TRANSPORT ? Exit::peer : Exit::plugin;
}

/// The text as far as it is one: a plugin may have forgotten the terminating zero.
template <std::size_t N>
std::string bounded(const char (&text)[N]) {
  return {text, std::find(text, text + N, '\0')};
}

/// The values of a PluginSpec as the boundary wants them. Owns what the pointers point to.
class RawValues {
 public:
  explicit RawValues(const std::vector<std::optional<Value>>& values) : strings_(values.size()), items_(values.size()) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      items_[i] = {sizeof(tpc_value), values[i] ? 1u : 0u, 0, 0, 0, 0.0, ""};
      if (values[i]) std::visit([&](const auto& v) { set(i, v); }, *values[i]);
      pointers_.push_back(&items_[i]);
    }
  }
  const tpc_value* const* data() const { return pointers_.data(); }

 private:
  void set(std::size_t i, bool v) { items_[i].type = TPC_BOOL, items_[i].integer = v; }
  void set(std::size_t i, std::int64_t v) { items_[i].type = TPC_INTEGER, items_[i].integer = v; }
  void set(std::size_t i, double v) { items_[i].type = TPC_REAL, items_[i].real = v; }
  void set(std::size_t i, const std::string& v) {
    strings_[i] = v;
    items_[i].type = TPC_STRING, items_[i].string = strings_[i].c_str();
  }

  std::vector<std::string> strings_;
  std::vector<tpc_value> items_;
  std::vector<const tpc_value*> pointers_;
};

/// Eight times what a dense f64 vector takes, and something for headers: no compressor has a use for more.
std::uint64_t largest_payload(std::uint32_t dim) { return std::uint64_t{dim} * 64 + 65536; }

TheoryConstants from_raw(const tpc_constants& c) {
  return {c.alpha, c.omega, c.A, c.B, c.joint_A, c.joint_B, c.B_spread, c.keep, c.values};
}

tpc_constants to_raw(const TheoryConstants& c) {
  return {sizeof(tpc_constants), 0, c.alpha, c.omega, c.A, c.B, c.joint_A, c.joint_B, c.B_spread, c.keep, c.values};
}

/// The blocks of a member as the boundary wants them; a member without any gets the vector as one block.
class RawBlocks {
 public:
  explicit RawBlocks(const Membership& membership) {
    const auto& blocks = membership.blocks;
    for (const Block& block : blocks) items_.push_back({sizeof(tpc_block), block.rows, block.columns, 0});
    if (blocks.empty() && membership.dim > 0) items_.push_back({sizeof(tpc_block), membership.dim, 1, 0});
    for (const tpc_block& item : items_) pointers_.push_back(&item);
  }
  const tpc_block* const* data() const { return pointers_.data(); }
  std::uint32_t size() const { return static_cast<std::uint32_t>(pointers_.size()); }

 private:
  std::vector<tpc_block> items_;
  std::vector<const tpc_block*> pointers_;
};

}  // namespace

Exit TransportFailure::code_of(tpc_status status) { return code_for(TPC_TRANSPORT, status); }

Instance::Instance(const PluginSpec& spec, const Membership& membership, std::uint32_t stream)
    : spec_(&spec), file_(interned(spec.file)), membership_(membership), stream_(stream) {}

Instance::Instance(Instance&& other) noexcept
    : self_(std::exchange(other.self_, nullptr)),
      destroy_(other.destroy_),
      spec_(other.spec_),
      file_(other.file_),
      membership_(std::move(other.membership_)),
      stream_(other.stream_) {}

Instance::~Instance() { destroy(); }

void Instance::destroy() noexcept {
  if (self_ != nullptr) plainly("destroy", [&] { destroy_(std::exchange(self_, nullptr)); });
}

std::string Instance::name() const { return name_of(*spec_->descriptor); }

tpc_context Instance::context(std::uint64_t round, std::uint32_t worker, double stepsize) const {
  return {sizeof(tpc_context), worker, membership_.workers, stream_, membership_.seed, round, stepsize, nullptr};
}

void Instance::misbehaved(const std::string& what) const {
  throw Failure(Exit::plugin, name() + " misbehaved: " + what + " (" + spec_->file + ")");
}

template <class Body>
void Instance::plainly(const char* call, Body&& body) const {
  const RestoredFloats floats(FloatControl::now());
  const CallScope scope({spec_->descriptor, file_, call, membership_.worker, no_round});
  body();
}

/// The call itself: its status, or what it let cross the boundary.
template <class Body>
tpc_status Instance::status_of(const char* call, Body&& body, const tpc_context* about, tpc_error& error) const {
  const PluginCall here = about == nullptr ? PluginCall{spec_->descriptor, file_, call, membership_.worker, no_round}
                                           : PluginCall{spec_->descriptor, file_, call, about->worker, about->round};
  const CallScope scope(here);
  try {
    return body(&error);
  } catch (const Failure&) {
    throw;  // our own, thrown by the host's side of a call that the plugin passed through
  } catch (const std::exception& thrown) {
    misbehaved(std::string(call) + " let an exception cross the boundary: " + thrown.what());
  } catch (...) {
    misbehaved(std::string(call) + " let an exception cross the boundary");
  }
}

template <class Body>
void Instance::checked(const char* call, Body&& body, const tpc_context* about) const {
  const FloatControl before = FloatControl::now();
  tpc_error error;
  error.struct_size = sizeof error;
  error.key[0] = error.text[0] = '\0';
  tpc_status status = TPC_OK;
  {
    const RestoredFloats floats(before);
    status = status_of(call, std::forward<Body>(body), about, error);
    if (FloatControl::now() != before) [[unlikely]]
      misbehaved(std::string(call) + " " + FloatControl::now().changes_since(before) + " and left it so");
  }
  if (status == TPC_OK) return;
  if (!known_status(status)) misbehaved(std::string(call) + " returned the unknown status " + std::to_string(status));

  const tpc_kind kind = spec_->descriptor->kind;
  std::string text = bounded(error.text);
  if (text.empty()) text = std::string(call) + " failed: " + status_text(status);
  if (kind == TPC_TRANSPORT && status != TPC_INTERNAL) throw TransportFailure(status, text);
  if (status == TPC_INTERNAL)
    throw Failure(Exit::plugin, name() + ": " + call + " failed: " + text + " (" + spec_->file + ")");

  // What a server decodes came from a worker; what a worker decodes, its own compressor wrote.
  if (kind == TPC_COMPRESSOR && status == TPC_CORRUPT && membership_.worker == TPC_SERVER)
    throw Failure(Exit::peer, "malformed message: " + name() + ": " + text);

  const std::string key = bounded(error.key);
  if (const auto at = spec_->origin.find(key); at != spec_->origin.end())
    text = at->second + ": " + text;
  else if (!key.empty())
    text = spec_->place + "." + key + ": " + text;
  else if (kind != TPC_PROBLEM)
    text = spec_->place + ": " + text;
  throw Failure(code_for(kind, status), text);
}

template <class Table>
void Instance::create(const std::vector<const tpc_child*>& children) {
  const tpc_descriptor& descriptor = *spec_->descriptor;
  if ((descriptor.dtypes & membership_.dtype) == 0)
    throw Failure(Exit::usage, spec_->place + ": the " + name() + " does not support this dtype");
  const RawValues values(spec_->values);
  const RawBlocks blocks(membership_);
  const tpc_setup setup = {sizeof(tpc_setup),
                           membership_.dtype,
                           membership_.dim,
                           membership_.workers,
                           membership_.worker,
                           stream_,
                           membership_.seed,
                           values.data(),
                           static_cast<std::uint32_t>(spec_->values.size()),
                           static_cast<std::uint32_t>(spec_->children.size()),
                           children.data(),
                           blocks.data(),
                           blocks.size(),
                           0};
  void* made = nullptr;
  checked("create", [&](tpc_error* error) { return table<Table>().create(&host_services(), &setup, &made, error); });
  if (made == nullptr) misbehaved("create returned no instance");
  self_ = made;
  destroy_ = table<Table>().destroy;
}

// ---- compressor

/// A nested compressor and the table through which its parent's plugin calls it.
struct Compressor::Nested {
  Nested(const PluginSpec& child, Compressor& owner, std::uint32_t first_stream)
      : spec(&child), parent(&owner), stream(first_stream) {
    raw = {sizeof(tpc_child), child.descriptor->capabilities, this, open, constants, encode, accumulate, max_payload};
  }

  /// The host's side of a call must not throw through the parent's plugin: the failure waits in the parent.
  template <class Body>
  static tpc_status attempt(const tpc_child* child, Body&& body) noexcept {
    auto& self = *static_cast<Nested*>(child->host_data);
    try {
      body(self);
      return TPC_OK;
    } catch (...) {
      if (!self.parent->nested_failure_) self.parent->nested_failure_ = std::current_exception();
      return TPC_INTERNAL;
    }
  }

  const Compressor& opened() const {
    if (!compressor) parent->misbehaved("it calls the compressor in its slot before it has opened it");
    return *compressor;
  }

  /// The parent's context, but for the numbers that make a random stream the child's own.
  tpc_context context_of(const tpc_context& outer) const {
    return opened().context(outer.round, outer.worker, outer.stepsize);
  }

  static tpc_status open(const tpc_child* child, std::uint32_t dim) noexcept {
    return attempt(child, [&](Nested& self) {
      if (self.compressor) self.parent->misbehaved("it opens the compressor in its slot twice");
      Membership membership = self.parent->membership();
      if (dim != membership.dim) membership.blocks.clear();
      membership.dim = dim;
      self.compressor = std::make_unique<Compressor>(*self.spec, membership, self.stream);
    });
  }
  static tpc_status constants(const tpc_child* child, tpc_constants* out) noexcept {
    return attempt(child, [&](Nested& self) { *out = to_raw(self.opened().constants()); });
  }
  static tpc_status encode(const tpc_child* child, const tpc_context* context, const void* a, const void* b,
                           tpc_buffer* out) noexcept {
    return attempt(child, [&](Nested& self) {
      self.payload.clear();
      self.opened().encode(self.context_of(*context), a, b, self.payload);
      if (self.payload.size() > out->capacity)
        self.parent->misbehaved("it gives the compressor in its slot too small a buffer");
      if (!self.payload.empty()) std::memcpy(out->data, self.payload.data(), self.payload.size());
      out->size = self.payload.size();
    });
  }
  static tpc_status accumulate(const tpc_child* child, const tpc_context* context, const std::uint8_t* payload,
                               std::size_t size, const tpc_sum* out, std::uint64_t* values) noexcept {
    return attempt(child, [&](Nested& self) {
      *values = self.opened().accumulate(self.context_of(*context), {payload, size}, *out);
    });
  }
  static std::uint64_t max_payload(const tpc_child* child) noexcept {
    const auto& self = *static_cast<const Nested*>(child->host_data);
    return self.compressor ? self.compressor->max_payload_ : 0;
  }

  const PluginSpec* spec;
  Compressor* parent;
  std::uint32_t stream;
  tpc_child raw{};
  std::unique_ptr<Compressor> compressor;
  std::vector<std::uint8_t> payload;
};

Compressor::~Compressor() {
  destroy();  // before what is nested in it
}

Compressor::Compressor(Compressor&& other) noexcept
    : Instance(std::move(other)),
      nested_(std::move(other.nested_)),
      state_(std::move(other.state_)),
      state_pointers_(std::move(other.state_pointers_)),
      max_payload_(other.max_payload_) {
  for (const auto& nested : nested_) nested->parent = this;
}

std::uint32_t Compressor::streams(const PluginSpec& spec) {
  std::uint32_t all = 1;
  for (const PluginSpec& child : spec.children) all += streams(child);
  return all;
}

/// A failed call of a nested compressor is the cause of whatever its parent makes of it.
template <class Body>
void Compressor::guarded(const char* call, Body&& body, const tpc_context* about) const {
  nested_failure_ = nullptr;
  try {
    checked(call, body, about);
  } catch (const Failure&) {
    if (nested_failure_) std::rethrow_exception(std::exchange(nested_failure_, nullptr));
    throw;
  }
  if (nested_failure_) std::rethrow_exception(std::exchange(nested_failure_, nullptr));
}

Compressor::Compressor(const PluginSpec& spec, const Membership& membership, std::uint32_t stream)
    : Instance(spec, membership, stream) {
  std::vector<const tpc_child*> children;
  std::uint32_t next = stream + 1;
  for (const PluginSpec& child : spec.children) {
    nested_.push_back(std::make_unique<Nested>(child, *this, next));
    children.push_back(&nested_.back()->raw);
    next += streams(child);
  }
  try {
    create<tpc_compressor>(children);
  } catch (const Failure&) {
    if (nested_failure_) std::rethrow_exception(std::exchange(nested_failure_, nullptr));
    throw;
  }
  for (std::size_t i = 0; i < nested_.size(); ++i)
    require_class(slot_of(*spec.descriptor, i), spec.children[i], nested_[i]->opened().constants());
  const bool encodes = membership.worker != TPC_SERVER;
  for (std::uint32_t i = 0; encodes && i < spec.descriptor->state_vectors; ++i)
    state_.emplace_back(membership.dtype, membership.dim);
  for (RawVector& vector : state_) state_pointers_.push_back(vector.data());
  plainly("max_payload", [&] { max_payload_ = table<tpc_compressor>().max_payload(self_); });
  if (max_payload_ > largest_payload(membership.dim))
    misbehaved("max_payload = " + std::to_string(max_payload_) + " bytes is out of proportion");
}

std::vector<RawVector*> Compressor::state() const {
  std::vector<RawVector*> all;
  for (RawVector& vector : state_) all.push_back(&vector);
  for (const auto& nested : nested_)
    for (RawVector* vector : nested->opened().state()) all.push_back(vector);
  return all;
}

TheoryConstants Compressor::constants() const {
  tpc_constants c = to_raw({});
  guarded("constants", [&](tpc_error* error) { return table<tpc_compressor>().constants(self_, &c, error); });
  if (std::isnan(c.alpha) && std::isnan(c.omega)) misbehaved("it declares neither alpha nor omega");
  if (!std::isnan(c.alpha) && !(c.alpha >= 0 && c.alpha <= 1))
    misbehaved("alpha = " + std::to_string(c.alpha) + " is outside [0, 1]");
  if (!std::isnan(c.omega) && !(c.omega >= 0 && std::isfinite(c.omega)))
    misbehaved("omega = " + std::to_string(c.omega) + " is not a finite number >= 0");
  return from_raw(c);
}

std::size_t Compressor::encode(const tpc_context& context, const void* a, const void* b,
                               std::vector<std::uint8_t>& out) const {
  const std::size_t begin = out.size();
  // The guard behind the capacity is how an overrun is seen before its damage spreads.
  out.resize(begin + max_payload_ + guard_bytes);
  std::uint8_t* const guard = out.data() + begin + max_payload_;
  std::memcpy(guard, guard_pattern.data(), guard_bytes);
  tpc_buffer buffer = {out.data() + begin, max_payload_, 0};
  tpc_context with_state = context;
  with_state.state = state_pointers_.data();
  guarded(
      "encode",
      [&](tpc_error* error) { return table<tpc_compressor>().encode(self_, &with_state, a, b, &buffer, error); },
      &context);
  if (std::memcmp(guard, guard_pattern.data(), guard_bytes) != 0)
    misbehaved("encode wrote past the end of its buffer of " + std::to_string(max_payload_) + " bytes");
  if (buffer.size > max_payload_)
    misbehaved("encode reports " + std::to_string(buffer.size) + " bytes in a buffer of " +
               std::to_string(max_payload_));
  out.resize(begin + buffer.size);
  return buffer.size;
}

std::uint64_t Compressor::accumulate(const tpc_context& context, std::span<const std::uint8_t> payload,
                                     const tpc_sum& out) const {
  std::uint64_t values = 0;
  guarded(
      "accumulate",
      [&](tpc_error* error) {
        return table<tpc_compressor>().accumulate(self_, &context, payload.data(), payload.size(), &out, &values,
                                                  error);
      },
      &context);
  return values;
}

void require_class(const tpc_slot& slot, const PluginSpec& child, const TheoryConstants& constants) {
  const bool wants_contractive = slot.accepts == TPC_CONTRACTIVE;
  if (slot.accepts == TPC_ANY || !std::isnan(wants_contractive ? constants.alpha : constants.omega)) return;
  const std::string wrapped = "; wrap it: plugin = \"scaled\" here, and the '" + std::string(child.descriptor->id) +
                              "' in [" + child.place + ".compressor], sends Q/(1+omega), which is contractive";
  throw Failure(Exit::usage, child.place + ": this slot takes a compressor that is " +
                                 (wants_contractive ? "contractive" : "unbiased") + "; '" + child.descriptor->id +
                                 "' with these parameters is only " +
                                 (wants_contractive ? "unbiased" + wrapped : "contractive"));
}

// ---- mechanism

Mechanism::Mechanism(const PluginSpec& spec, const Membership& membership, std::uint32_t stream)
    : Instance(spec, membership, stream) {
  create<tpc_mechanism>();
}

TheoryConstants Mechanism::constants(const std::vector<TheoryConstants>& children) const {
  std::vector<tpc_constants> items;
  items.reserve(children.size());
  for (const TheoryConstants& c : children) items.push_back(to_raw(c));
  std::vector<const tpc_constants*> pointers;
  pointers.reserve(items.size());
  for (const tpc_constants& item : items) pointers.push_back(&item);
  tpc_constants c = to_raw({});
  checked("constants",
          [&](tpc_error* error) { return table<tpc_mechanism>().constants(self_, pointers.data(), &c, error); });
  if (std::isnan(c.A) != std::isnan(c.B)) misbehaved("it declares one of A and B without the other");
  if (!std::isnan(c.A) && !(c.A > 0 && c.A <= 1)) misbehaved("A = " + std::to_string(c.A) + " is outside (0, 1]");
  if (!std::isnan(c.B) && !(c.B >= 0 && std::isfinite(c.B)))
    misbehaved("B = " + std::to_string(c.B) + " is not a finite number >= 0");
  if (!std::isnan(c.B_spread) && !(c.B_spread >= 0 && c.B_spread <= c.B))
    misbehaved("B_spread = " + std::to_string(c.B_spread) + " is outside [0, B]");
  if (!std::isnan(c.keep) && !(c.keep >= 0 && c.keep <= 1))
    misbehaved("keep = " + std::to_string(c.keep) + " is outside [0, 1]");
  return from_raw(c);
}

void Mechanism::propose(const tpc_context& context, const tpc_points& points, tpc_program& program) const {
  checked(
      "propose",
      [&](tpc_error* error) { return table<tpc_mechanism>().propose(self_, &context, &points, &program, error); },
      &context);
}

// ---- optimizer

Optimizer::Optimizer(const PluginSpec& spec, const Membership& membership, std::uint32_t stream)
    : Instance(spec, membership, stream) {
  create<tpc_optimizer>();
}

void Optimizer::step(const tpc_context& context, const void* g, void* x, void* const* state) const {
  checked(
      "step", [&](tpc_error* error) { return table<tpc_optimizer>().step(self_, &context, g, x, state, error); },
      &context);
}

// ---- problem

Problem::Problem(const PluginSpec& spec, const Membership& membership, std::uint32_t stream)
    : Instance(spec, membership, stream) {
  create<tpc_problem>();
}

tpc_problem_facts Problem::facts() const {
  tpc_problem_facts facts = {sizeof(tpc_problem_facts), 0, 0, NAN, NAN, NAN, nullptr, 0, 0, 0};
  checked("facts", [&](tpc_error* error) { return table<tpc_problem>().facts(self_, &facts, error); });
  if (facts.dim == 0 || facts.dim == UINT32_MAX)
    misbehaved("dim = " + std::to_string(facts.dim) + " is not in 1 .. 2^32 - 2");
  for (const double L : {facts.L_i, facts.L_minus, facts.hessian_spread})
    if (L < 0 || std::isinf(L))
      misbehaved("a smoothness constant of " + std::to_string(L) + " is no finite number >= 0");
  if (facts.block_count > 0 && facts.blocks == nullptr) misbehaved("block_count is not 0 but blocks is null");
  std::uint64_t covered = 0;
  for (std::uint32_t i = 0; i < facts.block_count && covered <= facts.dim; ++i) {
    const std::uint64_t size = std::uint64_t{facts.blocks[i]->rows} * facts.blocks[i]->columns;
    if (size == 0) misbehaved("its block " + std::to_string(i) + " is empty");
    covered += size;
  }
  if (facts.block_count > 0 && covered != facts.dim)
    misbehaved("its blocks hold " + std::to_string(covered) + " values, but dim = " + std::to_string(facts.dim));
  return facts;
}

void Problem::start(void* x0) const {
  checked("start", [&](tpc_error* error) { return table<tpc_problem>().start(self_, x0, error); });
}

void Problem::evaluate(const tpc_context& context, const void* x, double* value, void* gradient) const {
  checked(
      "evaluate",
      [&](tpc_error* error) { return table<tpc_problem>().evaluate(self_, &context, x, value, gradient, error); },
      &context);
}

bool Problem::has_rows() const {
  const auto& problem = table<tpc_problem>();
  const bool knows = problem.struct_size > offsetof(tpc_problem, evaluate_rows);  // minor version 0 does not
  return knows && problem.evaluate_rows != nullptr;
}

void Problem::evaluate_rows(const tpc_context& context, const void* x, std::span<const std::uint64_t> rows,
                            void* gradient) const {
  checked(
      "evaluate_rows",
      [&](tpc_error* error) {
        return table<tpc_problem>().evaluate_rows(self_, &context, x, rows.data(), rows.size(), gradient, error);
      },
      &context);
}

bool Problem::has_curvature() const { return table<tpc_problem>().curvature != nullptr; }

void Problem::curvature(const double* v, double* out) const {
  checked("curvature", [&](tpc_error* error) { return table<tpc_problem>().curvature(self_, v, out, error); });
}

// ---- transport

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
  const std::uint32_t own = membership().worker == TPC_SERVER ? 0 : membership().worker + 1;
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
  const bool knows = t.struct_size > offsetof(tpc_transport, limit);  // before minor version 3 it does not
  if (knows && t.limit != nullptr)
    checked("limit", [&](tpc_error* error) { return t.limit(self_, from, bytes, error); });
}

namespace {

/// A transport before it is made: only what needs no instance can be called.
class UnmadeTransport : public Instance {
 public:
  explicit UnmadeTransport(const PluginSpec& spec) : Instance(spec, {}, 0) {}
  std::optional<Place> place() const {
    const auto& transport = table<tpc_transport>();
    const bool knows = transport.struct_size > offsetof(tpc_transport, place);  // before minor version 2 it does not
    if (!knows || transport.place == nullptr) return std::nullopt;
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
