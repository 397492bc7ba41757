// Losses of one example.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <string_view>

#include "elementary.hpp"

inline constexpr std::array<const char*, 2> loss_names = {"softmax", "mse"};

/// log sum_c exp z_c - z_own. Puts the derivative, softmax(z) - e_own, in the place of z. No exp can overflow.
template <class T>
double cross_entropy(std::span<T> z, std::size_t own) {
  const double largest = double{*std::max_element(z.begin(), z.end())}, of_own = double{z[own]};
  double total = 0;
  for (const T score : z) total += elementary::exp(double{score} - largest);
  const double log_sum = elementary::log(total) + largest;
  for (std::size_t c = 0; c < z.size(); ++c)
    z[c] = static_cast<T>(elementary::exp(double{z[c]} - log_sum) - (c == own ? 1 : 0));
  return log_sum - of_own;
}

/// 1/2 |z - target|^2. Puts z - target in the place of z.
template <class T, class Target>
double half_square(std::span<T> z, Target target) {
  double sum = 0;
  for (std::size_t c = 0; c < z.size(); ++c) {
    const double apart = double{z[c]} - target(c);
    sum += apart * apart;
    z[c] = static_cast<T>(apart);
  }
  return sum / 2;
}
