// Activations: value, derivative, and the variances of weights and biases at which a network of them is critical.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

#include "elementary.hpp"

/// Weights of variance weights / fan-in and biases of variance `biases`.
struct Variances {
  double biases, weights;
};

/// `critical`: where a small change of the input neither dies out nor explodes with depth, along the signal and across
/// it: chi_par = C_W d<sigma^2>/dK = 1 and chi_perp = C_W <sigma'^2> = 1 at the fixed point of the kernel K <- C_b +
/// C_W <sigma(z)^2>, z ~ N(0, K) (Roberts, Yaida, Hanin 2022, The Principles of Deep Learning Theory, chapter 5).
struct Activation {
  const char* name;
  double (*value)(double z);
  double (*slope)(double z);
  Variances critical;
};

/// NaN stays NaN. gelu is the exact one, z Phi(z).
inline constexpr std::array<Activation, 6> activations = {{
    {"linear", [](double z) { return z; }, [](double) { return 1.0; }, {0, 1}},
    {"relu", [](double z) { return z < 0 ? 0.0 : z; }, [](double z) { return z > 0 ? 1.0 : 0.0; }, {0, 2}},
    {"tanh",
     elementary::tanh,
     [](double z) {
       const double t = elementary::tanh(z);
       return 1 - t * t;
     },
     {0, 1}},
    {"sin", elementary::sin, elementary::cos, {0, 1}},
    {"gelu",
     [](double z) { return z * elementary::normal_cdf(z); },
     [](double z) { return elementary::normal_cdf(z) + z * elementary::normal_density(z); },
     {0.172922390756, 1.983058257438}},
    {"swish",
     [](double z) { return z * elementary::sigmoid(z); },
     [](double z) {
       const double s = elementary::sigmoid(z);
       return s * (1 + z * (1 - s));
     },
     {0.555143170722, 1.988004678270}},
}};

inline constexpr std::array<const char*, 6> activation_names = [] {
  std::array<const char*, 6> out{};
  std::transform(activations.begin(), activations.end(), out.begin(), [](const Activation& a) { return a.name; });
  return out;
}();

/// One of activation_names.
inline const Activation& activation_of(std::string_view name) {
  return *std::find_if(activations.begin(), activations.end(), [&](const Activation& a) { return name == a.name; });
}
