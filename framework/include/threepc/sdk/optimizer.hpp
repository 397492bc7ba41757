// Optimizers: x^{t+1} from x^t and the aggregate g^t.
//
//   template <class T>
//   class GradientDescent {
//    public:
//     static constexpr tpc::About about = {..., .capabilities = TPC_GRADIENT_STEP};  // x - stepsize g, nothing else
//     static constexpr auto params = tpc::params();
//     GradientDescent(const tpc::NoOptions&, const tpc::Setup&) {}
//     void step(const tpc::Context& c, std::span<const T> g, std::span<T> x, tpc::State<T> state);
//   };
//   THREEPC_PLUGINS(tpc::optimizer<GradientDescent>);
#pragma once

#include <span>
#include <threepc/sdk/plugin.hpp>

namespace tpc {

/// The state vectors that about.state_vectors declares: d values each, zeros at first, kept by the host. To ask for
/// one that was not declared throws.
template <class T>
class State {
 public:
  State(void* const* raw, std::size_t dim, std::uint32_t count) : raw_(raw), dim_(dim), count_(count) {}
  std::span<T> operator[](std::uint32_t i) const { return detail::state_vector<T>(raw_, i, count_, dim_); }

 private:
  void* const* raw_;
  std::size_t dim_;
  std::uint32_t count_;
};

namespace detail {

struct OptimizerBase {
  virtual ~OptimizerBase() = default;
  virtual void step(const tpc_context& context, const void* g, void* x, void* const* state) = 0;
};

template <class T, class Impl>
class OptimizerOf final : public OptimizerBase {
 public:
  OptimizerOf(const tpc_host* host, const tpc_setup* setup)
      : host_(host), dim_(setup->dim), impl_(construct<Impl>(host, setup)) {}

  void step(const tpc_context& context, const void* g, void* x, void* const* state) override {
    impl_.step(Context(*host_, context), std::span<const T>(static_cast<const T*>(g), dim_),
               std::span<T>(static_cast<T*>(x), dim_), State<T>(state, dim_, Impl::about.state_vectors));
  }

 private:
  const tpc_host* host_;
  std::size_t dim_;
  Impl impl_;
};

template <template <class> class Impl>
struct OptimizerTable {
  template <class T>
  using Wrapper = OptimizerOf<T, Impl<T>>;

  static tpc_status step(void* self, const tpc_context* context, const void* g, void* x, void* const* state,
                         tpc_error* error) noexcept {
    return guard(error, [&] { static_cast<OptimizerBase*>(self)->step(*context, g, x, state); });
  }

  static constexpr tpc_optimizer table = {.struct_size = sizeof(tpc_optimizer),
                                          .reserved = 0,
                                          .create = create_for_dtype<OptimizerBase, Wrapper>,
                                          .destroy = destroy<OptimizerBase>,
                                          .step = step,
                                          .extension = nullptr};
};

}  // namespace detail

template <template <class> class Impl>
inline constexpr tpc_descriptor optimizer = detail::describe<Impl<double>>(TPC_OPTIMIZER, f32_and_f64,
                                                                           &detail::OptimizerTable<Impl>::table);

}  // namespace tpc
