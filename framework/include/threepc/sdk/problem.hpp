// Problems: worker i's f_i.
//
//   template <class T>
//   class Quadratic {
//    public:
//     static constexpr tpc::About about = {...};
//     static constexpr auto params = tpc::params(...);
//     Quadratic(const QuadraticOptions& options, const tpc::Setup& setup);   // setup.worker(), setup.workers()
//     tpc::Facts facts() const;
//     void start(std::span<T> x0) const;
//     // Fills `gradient` unless it is empty, and returns f_i(x) if `want_value` (else anything).
//     double evaluate(const tpc::Context&, std::span<const T> x, std::span<T> gradient, bool want_value);
//     // (optional) out <- H_i v, always in double; see tpc_problem.curvature
//     void curvature(std::span<const double> v, std::span<double> out) const;
//     // (optional) the gradient of f_i as if it had only these rows; see tpc_problem.evaluate_rows
//     void evaluate_rows(const tpc::Context&, std::span<const T> x, std::span<const std::uint64_t> rows,
//                        std::span<T> gradient);
//     // (optional, a draft) what it measures beside f, of the last evaluation that gave a value; see draft/metrics.h
//     static constexpr std::array metrics = {"accuracy"};
//     tpc::Share metric(std::size_t k) const;
//     // (optional, a draft) workers that need each other's numbers; see draft/exchange.h. Stages 0 to `exchanges`:
//     static constexpr std::uint32_t exchanges = 2;
//     tpc::Peers peers() const;
//     void stage(const tpc::Context&, std::uint32_t stage, std::span<const T> x, std::span<const tpc::Parcel> in,
//                std::span<tpc::Parcel> out);
//     double finish(const tpc::Context&, std::span<const T> x, std::span<const tpc::Parcel> in,
//                   std::span<T> gradient);   // the last stage
//   };
//   THREEPC_PLUGINS(tpc::problem<Quadratic>);
#pragma once

#include <threepc/draft/exchange.h>
#include <threepc/draft/metrics.h>

#include <span>
#include <string_view>
#include <threepc/sdk/plugin.hpp>
#include <vector>

namespace tpc {

/// What a worker knows about its f_i; leave out what has no closed form.
struct Facts {
  std::uint32_t dim = 0;
  std::uint64_t rows = 0;          // of this worker's shard
  double L_i = none;               // smoothness of f_i
  double L_minus = none;           // smoothness of f, the same on every worker
  double hessian_spread = none;    // L+-, the Hessian variance
  std::vector<Block> blocks = {};  // the matrices that x is made of, in order, covering dim; none: one vector
  // Names the whole data set before it is split, the same on every worker; 0: there is no data. See tpc_problem_facts.
  std::uint64_t data_digest = 0;
  bool own_data = false;  // the data set is this worker's own, and may differ from those of others
};

/// A worker's part of a mean over all workers.
struct Share {
  double sum = 0, weight = 0;
};

using Parcel = std::span<const std::uint8_t>;

/// With whom a worker exchanges, ascending, and at most how many bytes leave a worker, or reach it, in one exchange.
struct Peers {
  std::span<const std::uint32_t> workers;
  std::uint64_t longest = 0;
};

namespace detail {

struct ProblemBase {
  virtual ~ProblemBase() = default;
  virtual Facts facts() = 0;
  virtual void start(void* x0) = 0;
  virtual double evaluate(const tpc_context& context, const void* x, void* gradient, bool want_value) = 0;
  virtual void curvature(const double* v, double* out) = 0;
  virtual void evaluate_rows(const tpc_context& context, const void* x, std::span<const std::uint64_t> rows,
                             void* gradient) = 0;
  virtual Share metric(std::size_t k) = 0;
  virtual Peers peers() = 0;
  virtual void stage(const tpc_context& context, std::uint32_t stage, const void* x, std::span<const Parcel> in,
                     std::span<Parcel> out) = 0;
  virtual double finish(const tpc_context& context, const void* x, std::span<const Parcel> in, void* gradient) = 0;

  /// facts() in the boundary's form; the blocks live in this object.
  tpc_problem_facts raw_facts() {
    const Facts f = facts();
    blocks_.clear();
    for (const Block& block : f.blocks) blocks_.push_back({sizeof(tpc_block), block.rows, block.columns, 0});
    block_pointers_.clear();
    for (const tpc_block& block : blocks_) block_pointers_.push_back(&block);
    return {sizeof(tpc_problem_facts),
            f.dim,
            f.rows,
            f.L_i,
            f.L_minus,
            f.hessian_spread,
            block_pointers_.data(),
            static_cast<std::uint32_t>(block_pointers_.size()),
            f.own_data ? 1u : 0u,
            f.data_digest};
  }

 private:
  std::vector<tpc_block> blocks_;
  std::vector<const tpc_block*> block_pointers_;
};

template <class T, class Impl>
inline constexpr bool has_rows = requires(Impl& p, const Context& c, std::span<const std::uint64_t> rows) {
  p.evaluate_rows(c, std::span<const T>(), rows, std::span<T>());
};

template <class Impl>
inline constexpr bool has_metrics = requires {
  Impl::metrics;
};
template <class Impl>
inline constexpr bool has_exchange = requires {
  Impl::exchanges;
};

template <class T, class Impl>
class ProblemOf final : public ProblemBase {
 public:
  ProblemOf(const tpc_host* host, const tpc_setup* setup)
      : host_(host), impl_(construct<Impl>(host, setup)), dim_(impl_.facts().dim) {}

  Facts facts() override { return impl_.facts(); }
  void start(void* x0) override { impl_.start(std::span<T>(static_cast<T*>(x0), dim_)); }

  double evaluate(const tpc_context& context, const void* x, void* gradient, bool want_value) override {
    return impl_.evaluate(Context(*host_, context), std::span<const T>(static_cast<const T*>(x), dim_),
                          std::span<T>(static_cast<T*>(gradient), gradient == nullptr ? 0 : dim_), want_value);
  }

  void curvature(const double* v, double* out) override {
    if constexpr (requires { impl_.curvature(std::span<const double>(), std::span<double>()); })
      impl_.curvature(std::span<const double>(v, dim_), std::span<double>(out, dim_));
  }

  void evaluate_rows(const tpc_context& context, const void* x, std::span<const std::uint64_t> rows,
                     void* gradient) override {
    if constexpr (has_rows<T, Impl>)
      impl_.evaluate_rows(Context(*host_, context), std::span<const T>(static_cast<const T*>(x), dim_), rows,
                          std::span<T>(static_cast<T*>(gradient), dim_));
  }

  Share metric(std::size_t k) override {
    if constexpr (has_metrics<Impl>)
      return impl_.metric(k);
    else
      return {};
  }

  Peers peers() override {
    if constexpr (has_exchange<Impl>)
      return impl_.peers();
    else
      return {};
  }

  void stage(const tpc_context& context, std::uint32_t stage, const void* x, std::span<const Parcel> in,
             std::span<Parcel> out) override {
    if constexpr (has_exchange<Impl>)
      impl_.stage(Context(*host_, context), stage, std::span<const T>(static_cast<const T*>(x), dim_), in, out);
  }

  double finish(const tpc_context& context, const void* x, std::span<const Parcel> in, void* gradient) override {
    if constexpr (has_exchange<Impl>)
      return impl_.finish(Context(*host_, context), std::span<const T>(static_cast<const T*>(x), dim_), in,
                          std::span<T>(static_cast<T*>(gradient), dim_));
    else
      return none;
  }

 private:
  const tpc_host* host_;
  Impl impl_;
  std::size_t dim_;
};

inline ProblemBase& problem_from(void* self) { return *static_cast<ProblemBase*>(self); }

/// tpc_exchange of a class.
template <class Impl>
struct ExchangeTable {
  static tpc_status peers(void* self, const std::uint32_t** workers, std::uint32_t* count, std::uint64_t* longest,
                          tpc_error* error) noexcept {
    return guard(error, [&] {
      const Peers known = problem_from(self).peers();
      *workers = known.workers.data();
      *count = static_cast<std::uint32_t>(known.workers.size());
      *longest = known.longest;
    });
  }

  static tpc_status stage(void* self, const tpc_context* context, std::uint32_t stage, const void* x,
                          const tpc_parcel* in, tpc_parcel* out, double* value, void* gradient,
                          tpc_error* error) noexcept {
    return guard(error, [&] {
      ProblemBase& problem = problem_from(self);
      std::vector<Parcel> heard, said(problem.peers().workers.size());
      for (std::size_t k = 0; in != nullptr && k < said.size(); ++k) heard.emplace_back(in[k].data, in[k].size);
      if (stage == Impl::exchanges) {
        *value = problem.finish(*context, x, heard, gradient);
        return;
      }
      problem.stage(*context, stage, x, heard, said);
      for (std::size_t k = 0; k < said.size(); ++k) out[k] = {said[k].data(), said[k].size()};
    });
  }

  static constexpr tpc_exchange table = {
      .struct_size = sizeof(tpc_exchange), .exchanges = Impl::exchanges, .peers = peers, .stage = stage};
};

/// tpc_metrics of a class.
template <class Impl>
struct MetricsTable {
  static tpc_status read(void* self, double* sums, double* weights, tpc_error* error) noexcept {
    return guard(error, [&] {
      for (std::size_t k = 0; k < Impl::metrics.size(); ++k) {
        const Share share = problem_from(self).metric(k);
        sums[k] = share.sum, weights[k] = share.weight;
      }
    });
  }

  static constexpr tpc_metrics table = {.struct_size = sizeof(tpc_metrics),
                                        .count = static_cast<std::uint32_t>(Impl::metrics.size()),
                                        .names = Impl::metrics.data(),
                                        .read = read};
};

template <template <class> class Impl>
struct ProblemTable {
  template <class T>
  using Wrapper = ProblemOf<T, Impl<T>>;

  static constexpr bool has_curvature = requires(Impl<double> p) {
    p.curvature(std::span<const double>(), std::span<double>());
  };

  static ProblemBase& from(void* self) { return problem_from(self); }

  static tpc_status facts(void* self, tpc_problem_facts* out, tpc_error* error) noexcept {
    return guard(error, [&] { hand_over(from(self).raw_facts(), out); });
  }
  static tpc_status start(void* self, void* x0, tpc_error* error) noexcept {
    return guard(error, [&] { from(self).start(x0); });
  }
  static tpc_status evaluate(void* self, const tpc_context* context, const void* x, double* value, void* gradient,
                             tpc_error* error) noexcept {
    return guard(error, [&] {
      const double f = from(self).evaluate(*context, x, gradient, value != nullptr);
      if (value != nullptr) *value = f;
    });
  }
  static tpc_status curvature(void* self, const double* v, double* out, tpc_error* error) noexcept {
    return guard(error, [&] { from(self).curvature(v, out); });
  }
  static tpc_status evaluate_rows(void* self, const tpc_context* context, const void* x, const std::uint64_t* rows,
                                  std::size_t count, void* gradient, tpc_error* error) noexcept {
    return guard(error, [&] { from(self).evaluate_rows(*context, x, {rows, count}, gradient); });
  }

  static const void* extension(const char* name) noexcept {
    if constexpr (has_exchange<Impl<double>>)
      if (std::string_view(name) == TPC_EXCHANGE) return &ExchangeTable<Impl<double>>::table;
    if constexpr (has_metrics<Impl<double>>)
      if (std::string_view(name) == TPC_METRICS) return &MetricsTable<Impl<double>>::table;
    return nullptr;
  }

  static constexpr bool has_extension = has_exchange<Impl<double>> || has_metrics<Impl<double>>;
  static constexpr tpc_problem table = {.struct_size = sizeof(tpc_problem),
                                        .reserved = 0,
                                        .create = create_for_dtype<ProblemBase, Wrapper>,
                                        .destroy = destroy<ProblemBase>,
                                        .facts = facts,
                                        .start = start,
                                        .evaluate = evaluate,
                                        .curvature = has_curvature ? curvature : nullptr,
                                        .evaluate_rows = has_rows<double, Impl<double>> ? evaluate_rows : nullptr,
                                        .extension = has_extension ? extension : nullptr};
};

}  // namespace detail

template <template <class> class Impl>
inline constexpr tpc_descriptor problem = detail::describe<Impl<double>>(TPC_PROBLEM, f32_and_f64,
                                                                         &detail::ProblemTable<Impl>::table);

}  // namespace tpc
