// Compressors as the host uses them.
#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <span>
#include <threepc/sdk/plugin.hpp>
#include <vector>

#include "plugin/instance.hpp"
#include "vector/raw_vector.hpp"

namespace threepc {

class Compressor : public Instance {
 public:
  /// `stream` is the compressor's own; the compressors nested in it have the streams after it, depth first.
  Compressor(const PluginSpec& spec, const Membership& membership, std::uint32_t stream, Role role);
  Compressor(Compressor&&) noexcept;
  ~Compressor();

  /// How many streams a compressor of this spec takes: one for it and one for each that is nested in it.
  static std::uint32_t streams(const PluginSpec& spec);

  /// Checked: alpha in [0, 1] or NaN, omega >= 0 or NaN, at least one of them.
  tpc::Constants constants() const;
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
void require_class(const tpc_slot& slot, const PluginSpec& child, const tpc::Constants& constants);

}  // namespace threepc
