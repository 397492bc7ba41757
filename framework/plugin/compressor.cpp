#include "plugin/compressor.hpp"

#include <array>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <utility>

#include "plugin/checked_calls.hpp"

namespace threepc {
namespace {

/// Behind what a plugin may write. A loop that runs too far is seen here; what jumps over it is for the crash report.
constexpr std::size_t guard_bytes = 128;
constexpr auto guard_pattern = [] {
  std::array<std::uint8_t, guard_bytes> out{};
  out.fill(0xA5);
  return out;
}();

/// Eight times what a dense f64 vector takes, and something for headers: no compressor has a use for more.
std::uint64_t largest_payload(std::uint32_t dim) { return std::uint64_t{dim} * 64 + 65536; }

}  // namespace

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
      self.compressor = std::make_unique<Compressor>(*self.spec, membership, self.stream, self.parent->role());
    });
  }
  static tpc_status constants(const tpc_child* child, tpc_constants* out) noexcept {
    return attempt(child, [&](Nested& self) { *out = tpc::detail::to_raw(self.opened().constants()); });
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

Compressor::Compressor(const PluginSpec& spec, const Membership& membership, std::uint32_t stream, Role role)
    : Instance(spec, membership, stream, role) {
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
  for (std::uint32_t i = 0; role == Role::encoder && i < spec.descriptor->state_vectors; ++i)
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

tpc::Constants Compressor::constants() const {
  tpc_constants c = tpc::detail::to_raw({});
  guarded("constants", [&](tpc_error* error) { return table<tpc_compressor>().constants(self_, &c, error); });
  if (std::isnan(c.alpha) && std::isnan(c.omega)) misbehaved("it declares neither alpha nor omega");
  if (!std::isnan(c.alpha) && !(c.alpha >= 0 && c.alpha <= 1))
    misbehaved("alpha = " + std::to_string(c.alpha) + " is outside [0, 1]");
  if (!std::isnan(c.omega) && !(c.omega >= 0 && std::isfinite(c.omega)))
    misbehaved("omega = " + std::to_string(c.omega) + " is not a finite number >= 0");
  return tpc::detail::from_raw(c);
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

void require_class(const tpc_slot& slot, const PluginSpec& child, const tpc::Constants& constants) {
  const bool wants_contractive = slot.accepts == TPC_CONTRACTIVE;
  if (slot.accepts == TPC_ANY || !std::isnan(wants_contractive ? constants.alpha : constants.omega)) return;
  const std::string wrapped = "; wrap it: plugin = \"scaled\" here, and the '" + std::string(child.descriptor->id) +
                              "' in [" + child.place + ".compressor], sends Q/(1+omega), which is contractive";
  throw Failure(Exit::usage, child.place + ": this slot takes a compressor that is " +
                                 (wants_contractive ? "contractive" : "unbiased") + "; '" + child.descriptor->id +
                                 "' with these parameters is only " +
                                 (wants_contractive ? "unbiased" + wrapped : "contractive"));
}

}  // namespace threepc
