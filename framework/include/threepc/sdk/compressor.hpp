// Compressors. A compressor is a class template on the scalar type T (float or double):
//
//   template <class T>
//   class TopK {
//    public:
//     static constexpr tpc::About about = {.id = "topk", .version = "1.0.0", .summary = "..."};
//     static constexpr auto params = tpc::params(...);
//     TopK(const TopKOptions& options, const tpc::Setup& setup);
//     tpc::Constants constants() const;                       // alpha and/or omega
//     std::uint64_t max_payload() const;                      // bytes
//     void encode(const tpc::Context&, std::span<const T> v, tpc::Writer& out);
//     template <class Sum>
//     std::uint64_t accumulate(const tpc::Context&, tpc::Reader& in, Sum& out) const;
//   };
//   THREEPC_PLUGINS(tpc::compressor<TopK>);
//
// A compressor that wraps another has `slots` and holds a tpc::Child<T> for each; see Child.
//
// `encode` may take a tpc::Difference<T> instead of the span, to read both inputs once. `accumulate` adds
// with out.add(index, value) and returns how many real values the payload carried. It reads all of `in`:
// bytes left over make the payload corrupt.
#pragma once

#include <threepc/sdk/bytes.hpp>
#include <threepc/sdk/plugin.hpp>
#include <threepc/sdk/vectors.hpp>
#include <vector>

namespace tpc {

/// A compressor nested in this one. Make it in the constructor:
///
///   Scaled(const tpc::NoOptions&, const tpc::Setup& setup) : child_(setup, 0, setup.dim()) {}
///
/// The host checks what the child does and blames it by its own name.
template <class T>
class Child {
 public:
  /// The child in `slot` < setup.children(), for vectors of `dim` values: this compressor's dim or another.
  Child(const Setup& setup, std::uint32_t slot, std::uint32_t dim) : raw_(child_of(setup, slot)), dim_(dim) {
    check(raw_->open(raw_, dim));
  }

  Constants constants() const {
    tpc_constants out{};
    out.struct_size = sizeof out;
    check(raw_->constants(raw_, &out));
    return detail::from_raw(out);
  }
  std::uint64_t max_payload() const { return raw_->max_payload(raw_); }
  std::uint32_t capabilities() const { return raw_->capabilities; }
  std::uint32_t dim() const { return dim_; }

  /// The payload of C(v), valid until the next call; v has dim() values.
  std::span<const std::uint8_t> encode(const Context& context, std::span<const T> v) {
    require_dim(v.size());
    payload_.resize(max_payload());
    tpc_buffer buffer = {payload_.data(), payload_.size(), 0};
    check(raw_->encode(raw_, &context.raw(), v.data(), nullptr, &buffer));
    return {payload_.data(), buffer.size};
  }

  /// out += out.scale * decode(payload); returns how many real values the payload carries.
  std::uint64_t accumulate(const Context& context, std::span<const std::uint8_t> payload, const tpc_sum& out) const {
    std::uint64_t values = 0;
    check(raw_->accumulate(raw_, &context.raw(), payload.data(), payload.size(), &out, &values));
    return values;
  }

  /// out <- decode(payload); out has dim() values.
  std::uint64_t decode(const Context& context, std::span<const std::uint8_t> payload, std::span<T> out) const {
    require_dim(out.size());
    std::fill(out.begin(), out.end(), T{0});
    const tpc_dtype dtype = sizeof(T) == sizeof(float) ? TPC_F32 : TPC_F64;
    return accumulate(context, payload, {sizeof(tpc_sum), dtype, dim_, 0, out.data(), nullptr, 1.0});
  }

 private:
  static const tpc_child* child_of(const Setup& setup, std::uint32_t slot) {
    if (slot >= setup.children())
      throw Error(TPC_INTERNAL, text("the child ", slot, " is asked for, of ", setup.children()));
    return setup.raw().children[slot];
  }
  static void check(tpc_status status) {
    if (status != TPC_OK) throw detail::HostFailure{status};
  }
  void require_dim(std::size_t size) const {
    if (size != dim_) throw Error(TPC_INTERNAL, text("a vector of ", size, " values for a child of ", dim_));
  }

  const tpc_child* raw_;
  std::uint32_t dim_;
  std::vector<std::uint8_t> payload_;
};

namespace detail {

struct CompressorBase {
  virtual ~CompressorBase() = default;
  virtual Constants constants() = 0;
  virtual std::uint64_t max_payload() = 0;
  virtual void encode(const tpc_context& context, const void* a, const void* b, tpc_buffer& out) = 0;
  virtual std::uint64_t accumulate(const tpc_context& context, Reader& in, const tpc_sum& out) = 0;
};

template <class T, class Impl>
class CompressorOf final : public CompressorBase {
 public:
  CompressorOf(const tpc_host* host, const tpc_setup* setup)
      : host_(host), dim_(setup->dim), impl_(construct<Impl>(host, setup)) {}

  Constants constants() override { return impl_.constants(); }
  std::uint64_t max_payload() override { return impl_.max_payload(); }

  void encode(const tpc_context& context, const void* a, const void* b, tpc_buffer& out) override {
    const Difference<T> v(static_cast<const T*>(a), static_cast<const T*>(b), dim_);
    const Context with_state(*host_, context, Impl::about.state_vectors, dim_);
    Writer writer(out);
    if constexpr (requires { impl_.encode(with_state, v, writer); }) {
      impl_.encode(with_state, v, writer);
    } else {
      impl_.encode(with_state, materialised(v, static_cast<const T*>(a), b == nullptr), writer);
    }
    writer.flush_bits();
  }

  std::uint64_t accumulate(const tpc_context& context, Reader& in, const tpc_sum& out) override {
    if (out.dim != dim_) throw Error(TPC_INVALID_ARGUMENT, text("the sum has dim ", out.dim, ", not ", dim_));
    std::uint64_t values = 0;
    if (out.dtype == TPC_F32)
      values = into<float>(context, in, out);
    else if (out.dtype == TPC_F64)
      values = into<double>(context, in, out);
    else
      throw Error(TPC_UNSUPPORTED, text("dtype ", out.dtype, " is neither f32 nor f64"));
    in.finish();
    return values;
  }

 private:
  std::span<const T> materialised(const Difference<T>& v, const T* a, bool plain) {
    if (plain) return {a, dim_};
    scratch_.resize(dim_);
    v.copy_to(scratch_);
    return scratch_;
  }

  template <class S>
  std::uint64_t into(const tpc_context& context, Reader& in, const tpc_sum& out) {
    if constexpr (sizeof(S) < sizeof(T)) {
      throw Error(TPC_UNSUPPORTED, "an f64 payload does not go into an f32 sum");
    } else {
      return out.error == nullptr ? into_sum(context, in, Sum<S, false>(out))
                                  : into_sum(context, in, Sum<S, true>(out));
    }
  }

  template <class Out>
  std::uint64_t into_sum(const tpc_context& context, Reader& in, Out out) {
    return impl_.accumulate(Context(*host_, context), in, out);
  }

  const tpc_host* host_;
  std::uint32_t dim_;
  Impl impl_;
  std::vector<T> scratch_;
};

template <template <class> class Impl>
struct CompressorTable {
  template <class T>
  using Wrapper = CompressorOf<T, Impl<T>>;

  static CompressorBase& from(void* self) { return *static_cast<CompressorBase*>(self); }

  static tpc_status constants(void* self, tpc_constants* out, tpc_error* error) noexcept {
    return guard(error, [&] { hand_over(to_raw(from(self).constants()), out); });
  }
  static std::uint64_t max_payload(void* self) noexcept { return from(self).max_payload(); }
  static tpc_status encode(void* self, const tpc_context* context, const void* a, const void* b, tpc_buffer* out,
                           tpc_error* error) noexcept {
    return guard(error, [&] { from(self).encode(*context, a, b, *out); });
  }
  static tpc_status accumulate(void* self, const tpc_context* context, const std::uint8_t* payload, std::size_t size,
                               const tpc_sum* out, std::uint64_t* values, tpc_error* error) noexcept {
    return guard(error, [&] {
      Reader in(payload, size);
      *values = from(self).accumulate(*context, in, *out);
    });
  }

  static constexpr tpc_compressor table = {.struct_size = sizeof(tpc_compressor),
                                           .reserved = 0,
                                           .create = create_for_dtype<CompressorBase, Wrapper>,
                                           .destroy = destroy<CompressorBase>,
                                           .constants = constants,
                                           .max_payload = max_payload,
                                           .encode = encode,
                                           .accumulate = accumulate};
};

}  // namespace detail

template <template <class> class Impl>
inline constexpr tpc_descriptor compressor = detail::describe<Impl<double>>(TPC_COMPRESSOR, f32_and_f64,
                                                                            &detail::CompressorTable<Impl>::table);

}  // namespace tpc
