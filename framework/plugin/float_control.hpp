// The floating-point control state of a thread: rounding, denormals, traps. A plugin that changes it changes the bits of
// everything that is computed after it.
#pragma once

#include <cfenv>
#include <cstdint>
#include <string>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace threepc {

/// What of it differs from how the host was started is a value of its own on every processor; compare for equality.
class FloatControl {
 public:
  /// A few nanoseconds. Sticky exception flags are left out: ordinary arithmetic raises them.
  static FloatControl now() {
#if defined(__x86_64__)
    return FloatControl(_mm_getcsr() & ~std::uint64_t{_MM_EXCEPT_MASK});
#elif defined(__aarch64__)
    std::uint64_t bits = 0;
    asm volatile("mrs %0, fpcr" : "=r"(bits));
    return FloatControl(bits);
#else
    return FloatControl(static_cast<std::uint64_t>(std::fegetround()));
#endif
  }

  /// Makes it the calling thread's again.
  void restore() const {
#if defined(__x86_64__)
    std::fesetenv(FE_DFL_ENV);  // the x87 unit too, which long double uses
    _mm_setcsr(static_cast<unsigned>(bits_));
#elif defined(__aarch64__)
    asm volatile("msr fpcr, %0" : : "r"(bits_));
#else
    std::fesetround(static_cast<int>(bits_));
#endif
  }

  /// What was done to it since `before`, for a person: "turned on flush-to-zero".
  std::string changes_since(FloatControl before) const {
    [[maybe_unused]] const std::uint64_t changed = bits_ ^ before.bits_;
#if defined(__x86_64__)
    if ((bits_ & changed & flushing) != 0) return "turned on flush-to-zero, which makes denormal numbers zero";
    if ((changed & _MM_ROUND_MASK) != 0) return "changed the rounding mode";
    if ((changed & _MM_MASK_MASK) != 0) return "changed which floating-point exceptions trap";
#endif
    return "changed the floating-point control register";
  }

  bool operator==(const FloatControl&) const = default;

 private:
  static constexpr std::uint64_t flushing = 0x8040;  // FTZ and DAZ

  explicit FloatControl(std::uint64_t bits) : bits_(bits) {}
  std::uint64_t bits_;
};

}  // namespace threepc
