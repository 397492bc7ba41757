// Methods of peers on a directed graph. A draft, as threepc/draft/peers.h is, which says what a round is.
//
//   template <class T>
//   class PushSum {
//    public:
//     static constexpr tpc::About about = {...};
//     static constexpr auto params = tpc::params();
//     static constexpr auto order = TPC_COMBINE_THEN_ADAPT;
//     static constexpr bool divides = true;                   // gradients are taken at x / y
//     static constexpr std::array published = {tpc_published{0, TPC_COLUMNS_SUM_TO_ONE}};   // x
//     PushSum(const tpc::NoOptions&, const tpc::Setup&) {}
//     void mix(const tpc::Context&, tpc::Deltas<T> delta, std::span<T> x, tpc::State<T> state);
//     void adapt(const tpc::Context&, std::span<const T> g, tpc::Deltas<T> delta, std::span<T> x, tpc::State<T> state);
//     // (optional) before the first round of a method that combines first, with the gradient at x^0
//     void begin(const tpc::Context&, std::span<const T> g, std::span<T> x, tpc::State<T> state);
//   };
//   THREEPC_PLUGINS(tpc::peer_method<PushSum>);
#pragma once

#include <threepc/draft/peers.h>

#include <array>
#include <span>
#include <string_view>
#include <threepc/sdk/optimizer.hpp>

namespace tpc {

/// delta_k for each published vector, d values each; of none in adapt() of a method that adapts first.
template <class T>
class Deltas {
 public:
  Deltas(const void* const* raw, std::size_t dim) : raw_(raw), dim_(dim) {}
  std::span<const T> operator[](std::size_t k) const { return {static_cast<const T*>(raw_[k]), dim_}; }

 private:
  const void* const* raw_;
  std::size_t dim_;
};

namespace detail {

struct PeerMethodBase {
  virtual ~PeerMethodBase() = default;
  virtual void begin(const tpc_context& context, const void* g, void* x, void* const* state) = 0;
  virtual void mix(const tpc_context& context, const void* const* delta, void* x, void* const* state) = 0;
  virtual void adapt(const tpc_context& context, const void* g, const void* const* delta, void* x,
                     void* const* state) = 0;
};

template <class T, class Impl>
class PeerMethodOf final : public PeerMethodBase {
 public:
  PeerMethodOf(const tpc_host* host, const tpc_setup* setup)
      : host_(host), dim_(setup->dim), impl_(construct<Impl>(host, setup)) {}

  void begin(const tpc_context& context, const void* g, void* x, void* const* state) override {
    if constexpr (requires { &Impl::begin; }) impl_.begin(Context(*host_, context), in(g), out(x), states(state));
  }
  void mix(const tpc_context& context, const void* const* delta, void* x, void* const* state) override {
    impl_.mix(Context(*host_, context), Deltas<T>(delta, dim_), out(x), states(state));
  }
  void adapt(const tpc_context& context, const void* g, const void* const* delta, void* x,
             void* const* state) override {
    impl_.adapt(Context(*host_, context), in(g), Deltas<T>(delta, dim_), out(x), states(state));
  }

 private:
  std::span<const T> in(const void* v) const { return {static_cast<const T*>(v), dim_}; }
  std::span<T> out(void* v) const { return {static_cast<T*>(v), dim_}; }
  State<T> states(void* const* state) const { return State<T>(state, dim_, Impl::about.state_vectors); }

  const tpc_host* host_;
  std::size_t dim_;
  Impl impl_;
};

template <template <class> class Impl>
struct PeerMethodTable {
  template <class T>
  using Wrapper = PeerMethodOf<T, Impl<T>>;

  static PeerMethodBase& from(void* self) { return *static_cast<PeerMethodBase*>(self); }

  static tpc_status begin(void* self, const tpc_context* context, const void* g, void* x, void* const* state,
                          tpc_error* error) noexcept {
    return guard(error, [&] { from(self).begin(*context, g, x, state); });
  }
  static tpc_status mix(void* self, const tpc_context* context, const void* const* delta, void* x, void* const* state,
                        tpc_error* error) noexcept {
    return guard(error, [&] { from(self).mix(*context, delta, x, state); });
  }
  static tpc_status adapt(void* self, const tpc_context* context, const void* g, const void* const* delta, void* x,
                          void* const* state, tpc_error* error) noexcept {
    return guard(error, [&] { from(self).adapt(*context, g, delta, x, state); });
  }
  static tpc_status step(void*, const tpc_context*, const void*, void*, void* const*, tpc_error* error) noexcept {
    return guard(error, [] { throw Error(TPC_UNSUPPORTED, "a method of peers has no step of a server"); });
  }
  static const void* extension(const char* name) noexcept {
    return std::string_view(name) == TPC_PEERS ? &peers : nullptr;
  }

  static constexpr bool has_begin = requires { &Impl<double>::begin; };
  static constexpr auto published = Impl<double>::published;
  static constexpr tpc_peers peers = {.struct_size = sizeof(tpc_peers),
                                      .order = Impl<double>::order,
                                      .published_count = static_cast<std::uint32_t>(published.size()),
                                      .divides = Impl<double>::divides ? 1U : 0U,
                                      .published = published.data(),
                                      .begin = has_begin ? begin : nullptr,
                                      .mix = mix,
                                      .adapt = adapt};
  static constexpr tpc_optimizer table = {.struct_size = sizeof(tpc_optimizer),
                                          .reserved = 0,
                                          .create = create_for_dtype<PeerMethodBase, Wrapper>,
                                          .destroy = destroy<PeerMethodBase>,
                                          .step = step,
                                          .extension = extension};
};

}  // namespace detail

template <template <class> class Impl>
inline constexpr tpc_descriptor peer_method = detail::describe<Impl<double>>(TPC_OPTIMIZER, f32_and_f64,
                                                                             &detail::PeerMethodTable<Impl>::table);

}  // namespace tpc
