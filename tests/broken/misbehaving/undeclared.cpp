// Plugins that ask the SDK for what they have not declared: memory, children, coordinates, wide fields.
#include <array>

#include "sound.hpp"

namespace {

template <class T>
struct StateOfEncoder : broken::Sound<T> {
  static constexpr tpc::About about = {
      .id = "undeclared-state", .version = "1.0.0", .summary = "Declares one vector, uses two.", .state_vectors = 1};
  using broken::Sound<T>::Sound;
  void encode(const tpc::Context& context, std::span<const T> v, tpc::Writer& out) const {
    context.state<T>(0, v.size())[0] = 1;
    context.state<T>(1, v.size())[0] = 1;
    out.put(v);
  }
};

template <class T>
struct LongState : broken::Sound<T> {
  static constexpr tpc::About about = {
      .id = "long-state", .version = "1.0.0", .summary = "Wants more than d values.", .state_vectors = 1};
  using broken::Sound<T>::Sound;
  void encode(const tpc::Context& context, std::span<const T> v, tpc::Writer&) const {
    context.state<T>(0, 2 * v.size())[2 * v.size() - 1] = 1;
  }
};

template <class T>
struct StateOfMechanism {
  static constexpr tpc::About about = {
      .id = "mechanism-state", .version = "1.0.0", .summary = "Declares no memory and uses some."};
  static constexpr auto params = tpc::params();
  StateOfMechanism(const tpc::NoOptions&, const tpc::Setup&) {}
  tpc::Constants constants(std::span<const tpc::Constants>) const { return {}; }
  void propose(const tpc::Context&, const tpc::Points<T>& p, tpc::Program<T>&) { p.state(0)[0] = 1; }
};

template <class T>
struct StateOfOptimizer {
  static constexpr tpc::About about = {
      .id = "optimizer-state", .version = "1.0.0", .summary = "Declares one vector, uses the fourth.", .state_vectors = 1};
  static constexpr auto params = tpc::params();
  StateOfOptimizer(const tpc::NoOptions&, const tpc::Setup&) {}
  void step(const tpc::Context&, std::span<const T>, std::span<T>, tpc::State<T> state) { state[3][0] = 1; }
};

template <class T>
struct MissingChild : broken::Sound<T> {
  static constexpr tpc::About about = {.id = "missing-child", .version = "1.0.0", .summary = "Has one child, opens two."};
  static constexpr std::array slots = {tpc::compressor_slot("compressor", tpc::Accepts::any, "anything")};
  MissingChild(const tpc::NoOptions& options, const tpc::Setup& setup)
      : broken::Sound<T>(options, setup), first(setup, 0, setup.dim()), second(setup, 1, setup.dim()) {}
  tpc::Child<T> first, second;
};

template <class T>
struct WideField : broken::Sound<T> {
  static constexpr tpc::About about = {.id = "wide-field", .version = "1.0.0", .summary = "Writes 40 bits at once."};
  using broken::Sound<T>::Sound;
  void encode(const tpc::Context&, std::span<const T>, tpc::Writer& out) const { out.put_bits(1, 40); }
};

/// Its decoder adds one behind the vector.
template <class T>
struct OneTooFar : broken::Sound<T> {
  static constexpr tpc::About about = {.id = "one-too-far", .version = "1.0.0", .summary = "Adds to coordinate d."};
  OneTooFar(const tpc::NoOptions& options, const tpc::Setup& setup)
      : broken::Sound<T>(options, setup), dim(setup.dim()) {}
  template <class Sum>
  std::uint64_t accumulate(const tpc::Context&, tpc::Reader& in, Sum& out) const {
    for (std::uint32_t i = 0; i < dim; ++i) out.add(i + 1, in.get<T>());
    return dim;
  }
  std::uint32_t dim;
};

template <class T>
struct RunTooFar : OneTooFar<T> {
  static constexpr tpc::About about = {.id = "run-too-far", .version = "1.0.0", .summary = "Adds behind the vector."};
  using OneTooFar<T>::OneTooFar;
  template <class Sum>
  std::uint64_t accumulate(const tpc::Context&, tpc::Reader& in, Sum& out) const {
    out.add_run(1, this->dim, [&](std::size_t) { return in.get<T>(); });
    return this->dim;
  }
};

/// Takes a number of values from the payload, as if nobody could lie.
template <class T>
struct Trusting : OneTooFar<T> {
  static constexpr tpc::About about = {.id = "trusting", .version = "1.0.0", .summary = "Believes what it reads."};
  using OneTooFar<T>::OneTooFar;
  void encode(const tpc::Context&, std::span<const T> v, tpc::Writer& out) const {
    out.put(std::uint64_t{1} << 61);  // times eight bytes is 2^64
    out.put(v.front());
  }
  template <class Sum>
  std::uint64_t accumulate(const tpc::Context&, tpc::Reader& in, Sum& out) const {
    const auto values = in.take<T>(in.get<std::uint64_t>());
    for (std::uint32_t i = 0; i < this->dim; ++i) out.add(i, values[i]);
    return 1;
  }
};

}  // namespace

THREEPC_PLUGINS(tpc::compressor<StateOfEncoder>, tpc::compressor<LongState>, tpc::mechanism<StateOfMechanism>,
                tpc::optimizer<StateOfOptimizer>, tpc::compressor<MissingChild>, tpc::compressor<WideField>,
                tpc::compressor<OneTooFar>, tpc::compressor<RunTooFar>, tpc::compressor<Trusting>);
