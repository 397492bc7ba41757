// Compressors and mechanisms that declare theory constants outside their ranges.
#include "sound.hpp"

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

template <int alpha_percent, int omega_percent>
tpc_status declare(void*, tpc_constants* out, tpc_error*) {
  const auto value = [](int percent) {
    return percent == 999 ? tpc::none : percent == 998 ? infinity : percent / 100.0;
  };
  out->alpha = value(alpha_percent);
  out->omega = value(omega_percent);
  return TPC_OK;
}

constexpr int nan = 999;
constexpr int inf = 998;

template <int alpha, int omega>
constexpr broken::Table declaring = broken::spoilt([](broken::Table& t) { t.constants = declare<alpha, omega>; });

constexpr auto alpha_two = broken::compressor("alpha-two", declaring<200, nan>);
constexpr auto alpha_negative = broken::compressor("alpha-negative", declaring<-50, nan>);
constexpr auto neither = broken::compressor("neither", declaring<nan, nan>);
constexpr auto omega_negative = broken::compressor("omega-negative", declaring<nan, -100>);
constexpr auto omega_infinite = broken::compressor("omega-infinite", declaring<nan, inf>);
constexpr auto one_good_one_bad = broken::compressor("one-good-one-bad", declaring<50, -100>);

template <class T>
struct Silent {
  static constexpr tpc::About about = {.id = "silent", .version = "1.0.0", .summary = "Never sends."};
  static constexpr auto params = tpc::params();
  Silent(const tpc::NoOptions&, const tpc::Setup&) {}
  void propose(const tpc::Context&, const tpc::Points<T>&, tpc::Program<T>&) {}
};

template <class T>
struct ZeroA : Silent<T> {
  static constexpr tpc::About about = {.id = "a-zero", .version = "1.0.0", .summary = "A = 0."};
  using Silent<T>::Silent;
  tpc::Constants constants(std::span<const tpc::Constants>) const { return {.A = 0, .B = 1}; }
};

template <class T>
struct OnlyB : Silent<T> {
  static constexpr tpc::About about = {.id = "only-b", .version = "1.0.0", .summary = "B without A."};
  using Silent<T>::Silent;
  tpc::Constants constants(std::span<const tpc::Constants>) const { return {.B = 1}; }
};

template <class T>
struct NegativeB : Silent<T> {
  static constexpr tpc::About about = {.id = "b-negative", .version = "1.0.0", .summary = "B = -1."};
  using Silent<T>::Silent;
  tpc::Constants constants(std::span<const tpc::Constants>) const { return {.A = 1, .B = -1}; }
};

}  // namespace

THREEPC_PLUGINS(alpha_two, alpha_negative, neither, omega_negative, omega_infinite, one_good_one_bad,
                tpc::mechanism<ZeroA>, tpc::mechanism<OnlyB>, tpc::mechanism<NegativeB>);
