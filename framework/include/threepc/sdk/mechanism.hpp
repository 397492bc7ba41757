// Mechanisms (three point compressors). The author writes the worker's side only; the message is the
// program, and both ends replay it:
//
//   template <class T>
//   class Ef21 {
//    public:
//     static constexpr tpc::About about = {...};
//     static constexpr auto params = tpc::params();
//     static constexpr std::array slots = {tpc::compressor_slot("compressor", tpc::Accepts::contractive, "...")};
//     Ef21(const tpc::NoOptions&, const tpc::Setup&) {}
//     tpc::Constants constants(std::span<const tpc::Constants> children) const;   // A and B; {}: none are known
//     void propose(const tpc::Context&, const tpc::Points<T>& p, tpc::Program<T>& program) {
//       program.add(0, p.x, p.h);     // h <- h + C(x - h)
//     }
//   };
//   THREEPC_PLUGINS(tpc::mechanism<Ef21>);
#pragma once

#include <span>
#include <threepc/sdk/plugin.hpp>
#include <threepc/sdk/vectors.hpp>
#include <vector>

namespace tpc {

/// In place of a slot: the vector itself, d values, uncompressed.
inline constexpr std::uint32_t dense = TPC_DENSE;

/// The three points, gradients of worker i. h is live: it moves with every operation of the program.
template <class T>
struct Points {
  std::span<const T> h;  // g_i^t
  std::span<const T> y;  // grad f_i(x^t)
  std::span<const T> x;  // grad f_i(x^{t+1})
  void* const* raw_state;
  std::uint32_t state_vectors = 0;  // that are declared

  /// State vector `i` < about.state_vectors: zeros before round 1, then whatever this worker left in it. Throws for one
  /// that was not declared.
  std::span<T> state(std::uint32_t i) const { return detail::state_vector<T>(raw_state, i, state_vectors, x.size()); }
};

/// This round's message. An empty program is "skip". Slots count as in the `slots` member.
template <class T>
class Program {
 public:
  Program(tpc_program& raw, std::size_t dim) : raw_(&raw), dim_(dim) {}

  /// h <- h + C_slot(a - b)
  void add(std::uint32_t slot, std::span<const T> a, std::span<const T> b) {
    check(raw_->add(raw_, slot, sized(a), sized(b)));
  }
  /// h <- h + C_slot(a)
  void add(std::uint32_t slot, std::span<const T> a) { check(raw_->add(raw_, slot, sized(a), nullptr)); }
  /// h <- h + C_slot(a - b) for this round; of it only the share `keep` of this mechanism's constants stays in h
  /// when the next round begins.
  void lend(std::uint32_t slot, std::span<const T> a, std::span<const T> b) {
    check(raw_->lend(raw_, slot, sized(a), sized(b)));
  }
  /// h <- C_slot(a); about.capabilities must say TPC_RESETS_TOGETHER or TPC_RESETS_ALONE
  void reset(std::uint32_t slot, std::span<const T> a) { check(raw_->reset(raw_, slot, sized(a), nullptr)); }
  /// Runs the mechanism in `slot` against the present h.
  void run(std::uint32_t slot) { check(raw_->run(raw_, slot)); }
  /// h <- C_slot(a - b)
  void reset(std::uint32_t slot, std::span<const T> a, std::span<const T> b) {
    check(raw_->reset(raw_, slot, sized(a), sized(b)));
  }
  /// out <- C_slot(a - b); nothing is sent.
  void preview(std::uint32_t slot, std::span<const T> a, std::span<const T> b, std::span<T> out) {
    check(raw_->preview(raw_, slot, sized(a), sized(b), const_cast<T*>(sized(out))));
  }

 private:
  const T* sized(std::span<const T> v) const {
    if (v.size() != dim_) throw Error(TPC_INTERNAL, text("a vector of ", v.size(), " values where d = ", dim_));
    static constexpr T nothing{};  // an empty vector need not have an address, but the host asks for one
    return v.data() == nullptr ? &nothing : v.data();
  }
  static void check(tpc_status status) {
    if (status != TPC_OK) throw detail::HostFailure{status};
  }

  tpc_program* raw_;
  std::size_t dim_;
};

namespace detail {

struct MechanismBase {
  explicit MechanismBase(std::size_t children) : child_count(children) {}
  virtual ~MechanismBase() = default;
  virtual Constants constants(std::span<const Constants> children) = 0;
  virtual void propose(const tpc_context& context, const tpc_points& points, tpc_program& program) = 0;
  const std::size_t child_count;
};

template <class T, class Impl>
class MechanismOf final : public MechanismBase {
 public:
  MechanismOf(const tpc_host* host, const tpc_setup* setup)
      : MechanismBase(setup->child_count), host_(host), impl_(construct<Impl>(host, setup)) {}

  Constants constants(std::span<const Constants> children) override { return impl_.constants(children); }

  void propose(const tpc_context& context, const tpc_points& raw, tpc_program& program) override {
    const auto vector = [&](const void* v) { return std::span<const T>(static_cast<const T*>(v), raw.dim); };
    const Points<T> points{vector(raw.h), vector(raw.y), vector(raw.x), raw.state, Impl::about.state_vectors};
    Program<T> out(program, raw.dim);
    impl_.propose(Context(*host_, context), points, out);
  }

 private:
  const tpc_host* host_;
  Impl impl_;
};

template <template <class> class Impl>
struct MechanismTable {
  template <class T>
  using Wrapper = MechanismOf<T, Impl<T>>;

  static MechanismBase& from(void* self) { return *static_cast<MechanismBase*>(self); }

  static tpc_status constants(void* self, const tpc_constants* const* children, tpc_constants* out,
                              tpc_error* error) noexcept {
    return guard(error, [&] {
      std::vector<Constants> of_children;
      for (std::size_t i = 0; i < from(self).child_count; ++i) of_children.push_back(from_raw(*children[i]));
      hand_over(to_raw(from(self).constants(of_children)), out);
    });
  }
  static tpc_status propose(void* self, const tpc_context* context, const tpc_points* points, tpc_program* program,
                            tpc_error* error) noexcept {
    return guard(error, [&] { from(self).propose(*context, *points, *program); });
  }

  static constexpr tpc_mechanism table = {.struct_size = sizeof(tpc_mechanism),
                                          .reserved = 0,
                                          .create = create_for_dtype<MechanismBase, Wrapper>,
                                          .destroy = destroy<MechanismBase>,
                                          .constants = constants,
                                          .propose = propose};
};

}  // namespace detail

template <template <class> class Impl>
inline constexpr tpc_descriptor mechanism = detail::describe<Impl<double>>(TPC_MECHANISM, f32_and_f64,
                                                                           &detail::MechanismTable<Impl>::table);

}  // namespace tpc
