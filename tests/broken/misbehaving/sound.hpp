// Plugins without fault, written with the SDK, and how to spoil them: copy a table, replace one function.
#pragma once

#include <threepc/sdk.hpp>

namespace broken {

/// The identity, as a base: a case overrides what it gets wrong.
template <class T>
class Sound {
 public:
  static constexpr auto params = tpc::params();
  Sound(const tpc::NoOptions&, const tpc::Setup& setup) : dim_(setup.dim()) {}

  tpc::Constants constants() const { return {.alpha = 1, .omega = 0}; }
  std::uint64_t max_payload() const { return std::uint64_t{dim_} * sizeof(T); }
  void encode(const tpc::Context&, std::span<const T> v, tpc::Writer& out) const { out.put(v); }

  template <class Sum>
  std::uint64_t accumulate(const tpc::Context&, tpc::Reader& in, Sum& out) const {
    for (std::uint32_t i = 0; i < dim_; ++i) out.add(i, in.get<T>());
    return dim_;
  }

 private:
  std::uint32_t dim_;
};

template <class T>
class Named : public Sound<T> {
 public:
  static constexpr tpc::About about = {.id = "sound", .version = "1.0.0", .summary = "Without fault."};
  using Sound<T>::Sound;
};

using Table = tpc_compressor;

/// The table of a sound compressor after `spoil` has changed it.
template <class Spoil>
constexpr Table spoilt(Spoil spoil) {
  Table table = tpc::detail::CompressorTable<Named>::table;
  spoil(table);
  return table;
}

constexpr tpc_descriptor compressor(const char* id, const Table& table) {
  tpc_descriptor descriptor = tpc::compressor<Named>;
  descriptor.id = id;
  descriptor.table = &table;
  return descriptor;
}

}  // namespace broken
