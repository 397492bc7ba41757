// Problems that get wrong what their workers say to each other, or what they measure.
#include <array>
#include <threepc/sdk.hpp>

namespace {

/// Worker 1 of two, with one number, which says two bytes to worker 0.
template <class T>
class Sound {
 public:
  static constexpr auto params = tpc::params();
  static constexpr std::uint32_t exchanges = 1;
  Sound(const tpc::NoOptions&, const tpc::Setup&) {}

  tpc::Facts facts() const { return {.dim = 1}; }
  void start(std::span<T> x0) const { x0[0] = 0; }
  double evaluate(const tpc::Context&, std::span<const T>, std::span<T>, bool) const { return 0; }
  tpc::Peers peers() const { return {peer_, 2}; }
  void stage(const tpc::Context&, std::uint32_t, std::span<const T>, std::span<const tpc::Parcel>,
             std::span<tpc::Parcel> out) const {
    out[0] = tpc::Parcel(bytes_).first(2);
  }
  double finish(const tpc::Context&, std::span<const T>, std::span<const tpc::Parcel>, std::span<T>) const { return 0; }

 protected:
  std::array<std::uint32_t, 1> peer_ = {0};
  std::array<std::uint8_t, 3> bytes_ = {1, 2, 3};
};

template <class T>
struct PeerItself : Sound<T> {
  static constexpr tpc::About about = {.id = "peer-itself", .version = "1.0.0", .summary = "Talks to itself."};
  PeerItself(const tpc::NoOptions& options, const tpc::Setup& setup) : Sound<T>(options, setup) { this->peer_ = {1}; }
};

template <class T>
struct ParcelOfNothing : Sound<T> {
  static constexpr tpc::About about = {.id = "parcel-of-nothing", .version = "1.0.0", .summary = "Hands over null."};
  using Sound<T>::Sound;
  void stage(const tpc::Context&, std::uint32_t, std::span<const T>, std::span<const tpc::Parcel>,
             std::span<tpc::Parcel> out) const {
    out[0] = tpc::Parcel(static_cast<const std::uint8_t*>(nullptr), 2);
  }
};

template <class T>
struct ParcelTooLong : Sound<T> {
  static constexpr tpc::About about = {.id = "parcel-too-long", .version = "1.0.0", .summary = "Says too much."};
  using Sound<T>::Sound;
  void stage(const tpc::Context&, std::uint32_t, std::span<const T>, std::span<const tpc::Parcel>,
             std::span<tpc::Parcel> out) const {
    out[0] = this->bytes_;
  }
};

template <class T>
struct MetricTwice : Sound<T> {
  static constexpr tpc::About about = {.id = "metric-twice", .version = "1.0.0", .summary = "Measures a thing twice."};
  static constexpr std::array metrics = {"accuracy", "accuracy"};
  using Sound<T>::Sound;
  tpc::Share metric(std::size_t) const { return {1, 1}; }
};

template <class T>
struct MetricWithSpaces : Sound<T> {
  static constexpr tpc::About about = {.id = "metric-with-spaces", .version = "1.0.0", .summary = "Says it in words."};
  static constexpr std::array metrics = {"of the test"};
  using Sound<T>::Sound;
  tpc::Share metric(std::size_t) const { return {1, 1}; }
};

template <class T>
struct MetricWeight : Sound<T> {
  static constexpr tpc::About about = {
      .id = "metric-weight", .version = "1.0.0", .summary = "Weighs less than nothing."};
  static constexpr std::array metrics = {"accuracy"};
  using Sound<T>::Sound;
  tpc::Share metric(std::size_t) const { return {1, -1}; }
};

}  // namespace

THREEPC_PLUGINS(tpc::problem<PeerItself>, tpc::problem<ParcelOfNothing>, tpc::problem<ParcelTooLong>,
                tpc::problem<MetricTwice>, tpc::problem<MetricWithSpaces>, tpc::problem<MetricWeight>);
