#include <array>
#include <cstddef>
#include <span>
#include <threepc/sdk.hpp>

#include "contraction.hpp"

namespace {

/// EF14, the classic error feedback: the message is C(e + x), and e <- e + x - C(e + x) remembers what it lost. e is
/// in units of the gradient, so with a constant step size gamma and a C that commutes with scaling this is Seide's
/// and Stich's method, whose memory is gamma e.
///
/// No A and B: what the server knows is C(e + x), which depends on the memory and not on h and y, and which need not
/// approach x when the gradients come to rest. The theory there is (Stich et al. 2018) asks for bounded gradients.
template <class T>
class Ef14 {
 public:
  static constexpr tpc::About about = {
      .id = "ef14",
      .version = "1.0.0",
      .summary = "Classic error feedback: compresses the gradient plus all that compression has lost so far.",
      .paper =
          "Seide et al., 1-Bit Stochastic Gradient Descent, Interspeech 2014; Stich et al., Sparsified SGD with "
          "Memory, "
          "NeurIPS 2018, arXiv 1809.07599",
      .theory = "no A and B: stepsize = \"theory\" is refused",
      .capabilities = TPC_RESETS_TOGETHER,
      .state_vectors = 1};
  static constexpr auto params = tpc::params();
  static constexpr std::array slots = {
      tpc::compressor_slot("compressor", tpc::Accepts::contractive, "C, what compresses e + x")};

  Ef14(const tpc::NoOptions&, const tpc::Setup&) {}

  tpc::Constants constants(std::span<const tpc::Constants> children) const {
    return lossless_constants(children[0].alpha);
  }

  /// h is live: after the reset it is C(e + x).
  void propose(const tpc::Context&, const tpc::Points<T>& points, tpc::Program<T>& program) {
    const std::span<T> e = points.state(0);
    for (std::size_t j = 0; j < e.size(); ++j) e[j] += points.x[j];
    program.reset(0, e);
    for (std::size_t j = 0; j < e.size(); ++j) e[j] -= points.h[j];
  }
};

}  // namespace

THREEPC_PLUGINS(tpc::mechanism<Ef14>);
