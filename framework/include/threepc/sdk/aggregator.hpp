// Rules by which a server makes one vector of the workers' g_i. A draft, as threepc/draft/aggregator.h is, which says
// what a round is.
//
//   class Median {
//    public:
//     static constexpr tpc::About about = {...};
//     static constexpr auto params = tpc::params();
//     Median(const tpc::NoOptions&, const tpc::Setup&) {}
//     // (optional) before each round; throws tpc::Error where n rows are too few
//     void begin(std::uint32_t n);
//     // (optional, all three) sums over all coordinates, one pass after the other, until none are wanted
//     std::uint64_t wants() const;
//     void partial(const tpc::Rows& rows, std::span<double> scalars) const;   // adds
//     void take(std::span<const double> scalars);
//     void fuse(const tpc::Rows& rows, std::span<double> out) const;
//   };
//   THREEPC_PLUGINS(tpc::aggregator<Median>);
#pragma once

#include <threepc/draft/aggregator.h>

#include <span>
#include <threepc/sdk/plugin.hpp>

namespace tpc {

/// The same coordinates of n rows.
class Rows {
 public:
  Rows(const double* const* rows, std::uint32_t n, std::size_t count) : rows_(rows), n_(n), count_(count) {}
  std::uint32_t size() const { return n_; }
  std::size_t coordinates() const { return count_; }
  std::span<const double> operator[](std::size_t i) const { return {rows_[i], count_}; }

 private:
  const double* const* rows_;
  std::uint32_t n_;
  std::size_t count_;
};

namespace detail {

/// The rule, and what the boundary does not say again.
template <class Impl>
struct AggregatorOf {
  Impl impl;
  std::uint32_t n = 0;
};

template <class Impl>
struct AggregatorTable {
  using Self = AggregatorOf<Impl>;
  static constexpr bool has_passes = requires(const Impl& rule) { rule.wants(); };

  static Self& from(void* self) { return *static_cast<Self*>(self); }

  static tpc_status create(const tpc_host* host, const tpc_setup* setup, void** self, tpc_error* error) noexcept {
    return guard(error, [&] { *self = new Self{construct<Impl>(host, setup)}; });
  }
  static tpc_status begin(void* self, std::uint32_t n, tpc_error* error) noexcept {
    return guard(error, [&] {
      from(self).n = n;
      if constexpr (requires(Impl & rule) { rule.begin(n); }) from(self).impl.begin(n);
    });
  }
  static tpc_status wants(void* self, std::uint64_t* scalars, tpc_error* error) noexcept {
    return guard(error, [&] {
      *scalars = 0;
      if constexpr (has_passes) *scalars = from(self).impl.wants();
    });
  }
  static tpc_status partial(void* self, const double* const* rows, std::size_t count, double* scalars,
                            tpc_error* error) noexcept {
    return guard(error, [&] {
      if constexpr (has_passes)
        from(self).impl.partial(Rows(rows, from(self).n, count), std::span<double>(scalars, from(self).impl.wants()));
    });
  }
  static tpc_status take(void* self, const double* scalars, tpc_error* error) noexcept {
    return guard(error, [&] {
      if constexpr (has_passes) from(self).impl.take(std::span<const double>(scalars, from(self).impl.wants()));
    });
  }
  static tpc_status fuse(void* self, const double* const* rows, std::size_t count, double* out,
                         tpc_error* error) noexcept {
    return guard(error, [&] { from(self).impl.fuse(Rows(rows, from(self).n, count), std::span<double>(out, count)); });
  }

  static constexpr tpc_aggregator table = {.struct_size = sizeof(tpc_aggregator),
                                           .reserved = 0,
                                           .create = create,
                                           .destroy = destroy<Self>,
                                           .begin = begin,
                                           .wants = wants,
                                           .partial = partial,
                                           .take = take,
                                           .fuse = fuse};
};

}  // namespace detail

template <class Impl>
inline constexpr tpc_descriptor aggregator = detail::describe<Impl>(TPC_AGGREGATOR, f32_and_f64,
                                                                    &detail::AggregatorTable<Impl>::table);

}  // namespace tpc
