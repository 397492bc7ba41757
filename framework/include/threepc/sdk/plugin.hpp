// What all kinds of plugin share: the descriptor made from a class's static members, and the export macro.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <threepc/sdk/context.hpp>
#include <threepc/sdk/kernels.hpp>
#include <threepc/sdk/parameters.hpp>
#include <type_traits>
#include <utility>

namespace tpc {

inline constexpr double none = std::numeric_limits<double>::quiet_NaN();

/// How a plugin introduces itself; every plugin class has a static member `about`.
struct About {
  const char* id;
  const char* version;
  const char* summary;      // one sentence
  const char* paper = "";   // author, title, year, identifier
  const char* theory = "";  // its constants as a formula, "alpha = K/d", for `threepc plugins info`
  std::uint32_t capabilities = 0;
  std::uint32_t state_vectors = 0;
};

enum class Accepts : tpc_accepts { any = TPC_ANY, contractive = TPC_CONTRACTIVE, unbiased = TPC_UNBIASED };

/// A child slot that takes a compressor of the given class.
constexpr tpc_slot compressor_slot(const char* key, Accepts accepts, const char* doc) {
  return {sizeof(tpc_slot), TPC_COMPRESSOR, static_cast<tpc_accepts>(accepts), 0, key, doc};
}

/// A child slot that takes another mechanism.
constexpr tpc_slot mechanism_slot(const char* key, const char* doc) {
  return {sizeof(tpc_slot), TPC_MECHANISM, TPC_ANY, 0, key, doc};
}

/// The same slot once or more often: [[mechanism.level]]. For the last slot of a plugin; its children have the
/// numbers from this slot's on, and Setup::children() says how many there are in all.
constexpr tpc_slot repeated(tpc_slot slot) {
  slot.flags |= TPC_SLOT_REPEATED;
  return slot;
}

/// Theory constants of a plugin, by name: {.alpha = 0.1}. What is left out is unknown. tpc_constants defines each.
struct Constants {
  double alpha = none;     // contractive compressor; 0: never increases the error, and more is not known
  double omega = none;     // unbiased compressor
  double A = none;         // mechanism
  double B = none;         // mechanism
  double joint_A = none;   // unbiased compressor whose workers depend on each other
  double joint_B = none;   // likewise
  double B_spread = none;  // mechanism: the part of B that goes with L+-
  double keep = none;      // mechanism: what remains of Program::lend
  double values = none;    // compressor: values in every payload
};

namespace detail {

template <class Array>
constexpr auto pointers_to(const Array& items) {
  std::array<const std::remove_reference_t<decltype(items[0])>*, std::tuple_size_v<Array>> out{};
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = &items[i];
  return out;
}

template <class Plugin>
constexpr auto slots_of() {
  if constexpr (requires { Plugin::slots; })
    return Plugin::slots;
  else
    return std::array<tpc_slot, 0>{};
}

/// The constant tables behind one descriptor.
template <class Plugin>
struct Tables {
  static constexpr auto slots = slots_of<Plugin>();
  static constexpr auto param_pointers = pointers_to(Plugin::params.items);
  static constexpr auto slot_pointers = pointers_to(slots);
};

template <class Plugin>
constexpr tpc_descriptor describe(tpc_kind kind, tpc_dtype dtypes, const void* table) {
  using T = Tables<Plugin>;
  return {sizeof(tpc_descriptor),
          kind,
          Plugin::about.id,
          Plugin::about.version,
          Plugin::about.summary,
          Plugin::about.paper,
          T::param_pointers.data(),
          T::slot_pointers.data(),
          static_cast<std::uint32_t>(T::param_pointers.size()),
          static_cast<std::uint32_t>(T::slot_pointers.size()),
          dtypes,
          Plugin::about.capabilities,
          Plugin::about.state_vectors,
          0,
          table,
          Plugin::about.theory};
}

/// Reads the options and constructs a plugin class from (options, setup).
template <class Plugin>
Plugin construct(const tpc_host* host, const tpc_setup* setup) {
  find_kernels(*host);
  return Plugin(Plugin::params.read(*setup), Setup(*host, *setup));
}

/// create() of a kind whose classes are templates on the scalar type: Wrapper<float> or Wrapper<double>,
/// both behind the interface Base.
template <class Base, template <class> class Wrapper>
tpc_status create_for_dtype(const tpc_host* host, const tpc_setup* setup, void** self, tpc_error* error) noexcept {
  return guard(error, [&] {
    std::unique_ptr<Base> made;
    if (setup->dtype == TPC_F32)
      made = std::make_unique<Wrapper<float>>(host, setup);
    else if (setup->dtype == TPC_F64)
      made = std::make_unique<Wrapper<double>>(host, setup);
    else
      throw Error(TPC_UNSUPPORTED, text("dtype ", setup->dtype, " is neither f32 nor f64"));
    *self = made.release();
  });
}

template <class Base>
void destroy(void* self) noexcept {
  delete static_cast<Base*>(self);
}

/// Fills the host's struct as far as the host knows it: one built for an earlier minor version has less room.
template <class Struct>
void hand_over(const Struct& made, Struct* out) noexcept {
  std::memcpy(static_cast<void*>(out), &made, std::min<std::size_t>(out->struct_size, sizeof made));
}

inline tpc_constants to_raw(const Constants& c) {
  return {sizeof(tpc_constants), 0, c.alpha, c.omega, c.A, c.B, c.joint_A, c.joint_B, c.B_spread, c.keep, c.values};
}
inline Constants from_raw(const tpc_constants& c) {
  return {c.alpha, c.omega, c.A, c.B, c.joint_A, c.joint_B, c.B_spread, c.keep, c.values};
}

}  // namespace detail

inline constexpr tpc_dtype f32_and_f64 = TPC_F32 | TPC_F64;

}  // namespace tpc

/// Ends a plugin library: THREEPC_PLUGINS(tpc::compressor<TopK>, tpc::compressor<RandK>)
#define THREEPC_PLUGINS(...)                                                                    \
  namespace {                                                                                   \
  constexpr const tpc_descriptor* threepc_descriptors[] = {THREEPC_ADDRESSES(__VA_ARGS__)};     \
  }                                                                                             \
  extern "C" __attribute__((visibility("default")))                                             \
  const tpc_entry tpc_entry_v1 = {TPC_ABI_MAGIC,                                                \
                                  TPC_ABI_MAJOR,                                                \
                                  TPC_ABI_MINOR,                                                \
                                  sizeof(tpc_entry),                                            \
                                  sizeof(threepc_descriptors) / sizeof(threepc_descriptors[0]), \
                                  threepc_descriptors}

#define THREEPC_ADDRESSES(...) __VA_OPT__(THREEPC_EXPAND(THREEPC_EACH(__VA_ARGS__)))
#define THREEPC_EACH(first, ...) &first __VA_OPT__(, THREEPC_AGAIN THREEPC_PARENS(__VA_ARGS__))
#define THREEPC_AGAIN() THREEPC_EACH
#define THREEPC_PARENS ()
#define THREEPC_EXPAND(...) THREEPC_EXPAND2(THREEPC_EXPAND2(THREEPC_EXPAND2(__VA_ARGS__)))
#define THREEPC_EXPAND2(...) THREEPC_EXPAND1(THREEPC_EXPAND1(THREEPC_EXPAND1(__VA_ARGS__)))
#define THREEPC_EXPAND1(...) __VA_ARGS__
