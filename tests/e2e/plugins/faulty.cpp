// A compressor for the tests that sends everything, until one worker's encode goes wrong in the way that is asked for.
#include <cstdlib>
#include <cstring>
#include <threepc/sdk.hpp>
#include <vector>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace {

constexpr const char* faults[] = {"none", "segv", "stack", "abort", "heap", "loop", "flush"};

struct FaultyOptions {
  std::string_view fault = "none";
  std::int64_t worker = -1;
  std::int64_t from = 7;
  std::int64_t until = 7;
};

/// Each call needs its own frame, which the result of the next keeps alive.
[[gnu::noinline]] int endless(volatile char* above, int left) {
  volatile char frame[4096];
  frame[0] = *above;
  return left == 0 ? 0 : endless(frame, left - 1) + frame[0];
}

template <class T>
class Faulty {
 public:
  static constexpr tpc::About about = {.id = "faulty", .version = "1.0.0", .summary = "Goes wrong when it is told to."};
  static constexpr auto params =
      tpc::params(tpc::param<&FaultyOptions::fault>("fault", "what it does", {.choices = faults}),
                  tpc::param<&FaultyOptions::worker>("worker", "where; -1: everywhere"),
                  tpc::param<&FaultyOptions::from>("from", "the first round of it"),
                  tpc::param<&FaultyOptions::until>("until", "the last round of it"));
  Faulty(const FaultyOptions& options, const tpc::Setup& setup)
      : options_(options), fault_(options.fault), dim_(setup.dim()) {}
  tpc::Constants constants() const { return {.alpha = 1, .omega = 0}; }
  std::uint64_t max_payload() const { return dim_ * sizeof(T); }

  void encode(const tpc::Context& context, tpc::Difference<T> v, tpc::Writer& out) {
    const auto round = static_cast<std::int64_t>(context.round());
    const bool here = options_.worker < 0 || context.worker() == static_cast<std::uint32_t>(options_.worker);
    if (here && round >= options_.from && round <= options_.until) go_wrong();
    for (std::uint32_t i = 0; i < dim_; ++i) out.put(v[i]);
  }
  template <class Sum>
  std::uint64_t accumulate(const tpc::Context&, tpc::Reader& in, Sum& out) const {
    const auto values = in.take<T>(dim_);
    out.add_run(0, dim_, [&](std::size_t i) { return values[i]; });
    return dim_;
  }

 private:
  void go_wrong() {
    if (fault_ == "segv") *nowhere_ = 1;
    if (fault_ == "stack") sink_ = endless(&start_, 1 << 30);
    if (fault_ == "abort") std::abort();
    if (fault_ == "heap") damage_the_heap();
    if (fault_ == "loop")
      for (;;) sink_ = sink_ + 1;
#if defined(__x86_64__)
    if (fault_ == "flush") _mm_setcsr(_mm_getcsr() | 0x8040);
#endif
  }

  /// Far behind a buffer, where no guard of the host lies: whoever frees or takes memory next finds out.
  void damage_the_heap() {
    auto* const small = static_cast<char*>(std::malloc(24));
    volatile char* const at = small;
    for (int i = 24; i < 4096; ++i) at[i] = 0x41;
    std::free(small);
  }

  FaultyOptions options_;
  std::string fault_;
  std::uint32_t dim_;
  int* volatile nowhere_ = nullptr;
  volatile int sink_ = 0;
  volatile char start_ = 0;
};

}  // namespace

THREEPC_PLUGINS(tpc::compressor<Faulty>);
