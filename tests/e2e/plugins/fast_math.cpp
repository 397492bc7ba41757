// A sound compressor in a library that turns on flush-to-zero when it is mapped, as one that is linked with -ffast-math
// does where the compiler puts crtfastmath.o into it.
#include <threepc/sdk.hpp>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace {

[[gnu::constructor]] void turn_on_flush_to_zero() {
#if defined(__x86_64__)
  _mm_setcsr(_mm_getcsr() | 0x8040);
#elif defined(__aarch64__)
  std::uint64_t bits = 0;
  asm volatile("mrs %0, fpcr" : "=r"(bits));
  asm volatile("msr fpcr, %0" : : "r"(bits | std::uint64_t{1} << 24));
#endif
}

template <class T>
class FastMath {
 public:
  static constexpr tpc::About about = {.id = "fast_math", .version = "1.0.0", .summary = "The identity, in a hurry."};
  static constexpr auto params = tpc::params();
  FastMath(const tpc::NoOptions&, const tpc::Setup& setup) : dim_(setup.dim()) {}
  tpc::Constants constants() const { return {.alpha = 1, .omega = 0}; }
  std::uint64_t max_payload() const { return dim_ * sizeof(T); }
  void encode(const tpc::Context&, tpc::Difference<T> v, tpc::Writer& out) const {
    for (std::uint32_t i = 0; i < dim_; ++i) out.put(v[i]);
  }
  template <class Sum>
  std::uint64_t accumulate(const tpc::Context&, tpc::Reader& in, Sum& out) const {
    const auto values = in.take<T>(dim_);
    out.add_run(0, dim_, [&](std::size_t i) { return values[i]; });
    return dim_;
  }

 private:
  std::uint32_t dim_;
};

}  // namespace

THREEPC_PLUGINS(tpc::compressor<FastMath>);
