// Parameters of a plugin, declared once as a plain struct:
//
//   struct TopKOptions {
//     std::optional<std::int64_t> k;    // std::optional: may be left out
//     double zeta = 1.0;                // the initialiser is the default
//   };
//   static constexpr auto params = tpc::params(
//       tpc::param<&TopKOptions::k>("k", "coordinates kept", {.minimum = 1}), ...);
//
// The host checks type, range and choices against this table before it creates an instance.
#pragma once

#include <threepc/abi.h>

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>

namespace tpc {

/// A file name. The host resolves it (relative to the configuration, then THREEPC_DATA) and checks that the
/// file exists. Valid during construction only; copy what you keep.
struct Path {
  std::string_view file;
};

/// A list of reals. Valid during construction only, as every text is.
using Reals = std::span<const double>;

inline constexpr double unbounded = std::numeric_limits<double>::infinity();

/// What a parameter may say beyond its key and sentence.
struct ParamTraits {
  const char* unit = "";
  double minimum = -unbounded;                // inclusive; of a list: of each of its reals
  double maximum = unbounded;                 // inclusive
  bool above_minimum = false;                 // excludes the minimum itself: (0, 1]
  bool required = false;                      // the user must give it; the struct's initialiser is then no default
  std::span<const char* const> choices = {};  // of a string
};

namespace detail {

template <class V>
constexpr tpc_type type_of() {
  if constexpr (std::is_same_v<V, bool>)
    return TPC_BOOL;
  else if constexpr (std::is_same_v<V, std::int64_t>)
    return TPC_INTEGER;
  else if constexpr (std::is_same_v<V, double>)
    return TPC_REAL;
  else if constexpr (std::is_same_v<V, std::string_view>)
    return TPC_STRING;
  else if constexpr (std::is_same_v<V, Reals>)
    return TPC_REALS;
  else {
    static_assert(std::is_same_v<V, Path>,
                  "a parameter is bool, std::int64_t, double, std::string_view, tpc::Path or tpc::Reals");
    return TPC_PATH;
  }
}

constexpr tpc_value no_value(tpc_type type) { return {sizeof(tpc_value), 0, type, 0, 0, 0.0, {""}}; }

template <class V>
constexpr tpc_value to_value(const V& v) {
  tpc_value out = no_value(type_of<V>());
  out.is_set = 1;
  if constexpr (std::is_same_v<V, double>)
    out.real = v;
  else if constexpr (std::is_same_v<V, std::string_view>)
    out.string = v.data();
  else if constexpr (!std::is_same_v<V, Path>)
    out.integer = v;
  return out;
}

template <class V>
V from_value(const tpc_value& value) {
  if constexpr (std::is_same_v<V, bool>)
    return value.integer != 0;
  else if constexpr (std::is_same_v<V, std::int64_t>)
    return value.integer;
  else if constexpr (std::is_same_v<V, double>)
    return value.real;
  else if constexpr (std::is_same_v<V, std::string_view>)
    return value.string;
  else if constexpr (std::is_same_v<V, Reals>)
    return {value.reals, value.count};
  else
    return Path{value.string};
}

template <class V>
struct Optional : std::false_type {
  using type = V;
};
template <class V>
struct Optional<std::optional<V>> : std::true_type {
  using type = V;
};

template <class>
struct Member;
template <class Owner, class V>
struct Member<V Owner::*> {
  using owner = Owner;
  using type = V;
};

template <class Options>
struct Param {
  tpc_param item;
  void (*set)(Options&, const tpc_value&);
};

}  // namespace detail

/// One parameter: the member of the options struct that receives it, its key, one sentence. For a member that the
/// options struct inherits, name the struct too: param<&SplitOptions::split, LogRegOptions>(...).
template <auto Field, class Options = typename detail::Member<decltype(Field)>::owner>
constexpr auto param(const char* key, const char* doc, ParamTraits traits = {}) {
  using Declared = typename detail::Member<decltype(Field)>::type;
  using V = typename detail::Optional<Declared>::type;
  constexpr bool optional = detail::Optional<Declared>::value;

  std::uint32_t flags = traits.above_minimum ? TPC_PARAM_OPEN_MINIMUM : 0;
  static_assert(optional || !std::is_same_v<V, Reals>,
                "a list has no default: declare it as std::optional<tpc::Reals>");
  tpc_value preset = detail::no_value(detail::type_of<V>());
  if (traits.required) {
    flags |= TPC_PARAM_REQUIRED;
  } else if constexpr (!optional) {
    flags |= TPC_PARAM_HAS_DEFAULT;
    preset = detail::to_value<V>(Options{}.*Field);
  }
  const tpc_param item{sizeof(tpc_param),
                       detail::type_of<V>(),
                       flags,
                       static_cast<std::uint32_t>(traits.choices.size()),
                       key,
                       doc,
                       traits.unit,
                       traits.choices.data(),
                       preset,
                       traits.minimum,
                       traits.maximum};
  return detail::Param<Options>{
      item, [](Options& options, const tpc_value& value) { options.*Field = detail::from_value<V>(value); }};
}

/// The table of all parameters of a plugin; params() for a plugin that has none.
template <class Options, std::size_t N>
struct Params {
  std::array<tpc_param, N> items;
  std::array<void (*)(Options&, const tpc_value&), N> setters;

  Options read(const tpc_setup& setup) const {
    Options options{};
    for (std::size_t i = 0; i < N && i < setup.value_count; ++i)
      if (setup.values[i]->is_set != 0) setters[i](options, *setup.values[i]);
    return options;
  }
};

struct NoOptions {};

template <class Options, class... Rest>
constexpr auto params(detail::Param<Options> first, Rest... rest) {
  return Params<Options, 1 + sizeof...(Rest)>{{first.item, rest.item...}, {first.set, rest.set...}};
}
constexpr auto params() { return Params<NoOptions, 0>{}; }

}  // namespace tpc
