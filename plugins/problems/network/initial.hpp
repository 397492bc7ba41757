// Where a network starts.
#pragma once

#include <array>
#include <cmath>
#include <optional>
#include <span>
#include <string_view>
#include <threepc/sdk.hpp>
#include <vector>

#include "activation.hpp"

inline constexpr std::array<const char*, 4> init_names = {"critical", "he", "glorot", "gaussian"};

struct InitOptions {
  std::string_view init = "critical";
  std::optional<double> sigma_w, sigma_b;
};

/// Weights and biases from independent draws, one after the other in the vector's order.
class Initial {
 public:
  /// Throws tpc::BadParameter for a sigma that goes with no gaussian, or a gaussian without sigma_w.
  Initial(const InitOptions& options, const Activation& activation) : is_glorot_(options.init == "glorot") {
    const bool is_gaussian = options.init == "gaussian";
    if (is_gaussian && !options.sigma_w) throw tpc::BadParameter("sigma_w", "init = \"gaussian\" needs it");
    if (!is_gaussian && options.sigma_w) refuse("sigma_w", options.init);
    if (!is_gaussian && options.sigma_b) refuse("sigma_b", options.init);
    const double w = options.sigma_w.value_or(0), b = options.sigma_b.value_or(0);
    variances_ = is_gaussian ? Variances{b * b, w * w} : options.init == "he" ? Variances{0, 2} : activation.critical;
  }

  /// `blocks` are those of a DenseNetwork: weights and biases in turn.
  template <class T>
  void draw(const std::vector<tpc::Block>& blocks, tpc::Random random, std::span<T> x0) const {
    auto at = x0.begin();
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      const double bound = is_glorot_ ? glorot(blocks[i], i % 2 == 0) : deviation(blocks[i], i % 2 == 0);
      for (std::uint64_t j = 0; j < blocks[i].size(); ++j, ++at) *at = static_cast<T>(scaled(bound, random));
    }
  }

 private:
  [[noreturn]] static void refuse(const char* key, std::string_view init) {
    throw tpc::BadParameter(key, tpc::text("is for init = \"gaussian\", and init is \"", init, "\""));
  }

  /// Uniform in +-sqrt(6 / (fan-in + fan-out)).
  static double glorot(const tpc::Block& block, bool is_weights) {
    return is_weights ? std::sqrt(6 / (static_cast<double>(block.rows) + block.columns)) : 0;
  }
  double deviation(const tpc::Block& block, bool is_weights) const {
    return std::sqrt(is_weights ? variances_.weights / block.columns : variances_.biases);
  }

  /// What is 0 takes its draws, too: so the weights do not depend on the variance of the biases.
  double scaled(double bound, tpc::Random& random) const {
    const double drawn = is_glorot_ ? 2 * random.uniform() - 1 : elementary::normal(random);
    return bound == 0 ? 0 : bound * drawn;
  }

  bool is_glorot_;
  Variances variances_;
};
