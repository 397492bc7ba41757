// Data for problem mlp, and what a network says of them, written out.
#pragma once

#include <cmath>
#include <random>
#include <sstream>

#include "harness.hpp"

namespace problems_test {

inline constexpr const char* mlp = "problem-mlp";

inline double exact_value(const std::string& activation, double z) {
  if (activation == "relu") return std::max(z, 0.0);
  if (activation == "tanh") return std::tanh(z);
  if (activation == "sin") return std::sin(z);
  if (activation == "gelu") return z * std::erfc(-z / std::sqrt(2.0)) / 2;
  if (activation == "swish") return z / (1 + std::exp(-z));
  return z;
}

/// Rows of `features` reals, the first r mod classes labelled, or a real target for classes = 0.
struct Data {
  std::vector<Vector> rows;
  Vector labels;
  std::string text;
};

inline Data drawn_data(std::size_t rows, std::size_t features, int classes) {
  std::mt19937 random(7);
  std::uniform_real_distribution<double> uniform(-1, 1);
  Data out;
  std::ostringstream text;
  text.precision(17);
  for (std::size_t r = 0; r < rows; ++r) {
    Vector row(features);
    out.labels.push_back(classes == 0 ? 2 * uniform(random)
                                      : static_cast<double>(r % static_cast<std::size_t>(classes)));
    text << out.labels.back();
    for (std::size_t j = 0; j < features; ++j) {
      row[j] = uniform(random);
      text << ' ' << j + 1 << ':' << row[j];
    }
    text << '\n';
    out.rows.push_back(row);
  }
  out.text = text.str();
  return out;
}

/// Layer by layer what the network says of `a`, from the flat vector.
inline std::vector<Vector> preactivations(const std::vector<std::size_t>& widths, const std::string& activation,
                                          const Vector& x, Vector a) {
  std::vector<Vector> out;
  std::size_t at = 0;
  for (std::size_t l = 1; l < widths.size(); ++l) {
    Vector z(widths[l]);
    const std::size_t biases = at + widths[l] * widths[l - 1];
    for (std::size_t i = 0; i < widths[l]; ++i) {
      z[i] = x[biases + i];
      for (std::size_t j = 0; j < widths[l - 1]; ++j) z[i] += x[at + i * widths[l - 1] + j] * a[j];
    }
    at = biases + widths[l];
    a = z;
    for (double& entry : a) entry = exact_value(activation, entry);
    out.push_back(z);
  }
  return out;
}

inline std::string big_endian(std::uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16), static_cast<char>(value >> 8),
          static_cast<char>(value)};
}

inline std::string idx(std::uint32_t magic, const std::vector<std::uint32_t>& dimensions, const std::string& values) {
  std::string out = big_endian(magic);
  for (const std::uint32_t dimension : dimensions) out += big_endian(dimension);
  return out + values;
}

}  // namespace problems_test
