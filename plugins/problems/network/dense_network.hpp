// Layers of weights and biases, with an activation between them.
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <span>
#include <threepc/sdk.hpp>
#include <vector>

#include "activation.hpp"

/// z^1 = W^1 a + b^1, z^(l+1) = W^(l+1) sigma(z^l) + b^(l+1); the last z is what the network says. The vector is W^1
/// row by row, b^1, W^2, ...: `widths` are those of a and of every z.
template <class T>
class DenseNetwork {
 public:
  using Columns = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic>;  // an example each

  DenseNetwork(const std::vector<std::uint32_t>& widths, const Activation& activation) : activation_(&activation) {
    for (std::size_t l = 1; l < widths.size(); ++l) layers_.emplace_back(widths[l], widths[l - 1]);
  }

  std::vector<tpc::Block> blocks() const {
    std::vector<tpc::Block> out;
    for (const Layer& layer : layers_) {
      const auto rows = static_cast<std::uint32_t>(layer.weights.rows());
      out.push_back({rows, static_cast<std::uint32_t>(layer.weights.cols())});
      out.push_back({rows, 1});
    }
    return out;
  }

  /// The weights are copied, because the bits of a product may depend on the alignment of its factors. Sums of
  /// derivatives begin anew.
  void take(std::span<const T> x) {
    const T* at = x.data();
    for (Layer& layer : layers_) {
      layer.weights = Eigen::Map<const Weights>(at, layer.weights.rows(), layer.weights.cols());
      layer.biases = Eigen::Map<const Vector>(at + layer.weights.size(), layer.biases.size());
      layer.of_weights.setZero();
      layer.of_biases.setZero();
      at += layer.size();
    }
  }

  /// What forward() reads; the caller fills it.
  Columns& inputs() { return layers_.front().input; }

  /// What the network says of each example. The caller may put derivatives in its place, for backward().
  Columns& forward() {
    for (std::size_t l = 0; l < layers_.size(); ++l) {
      Layer& layer = layers_[l];
      layer.output.noalias() = layer.weights * layer.input;
      layer.output.colwise() += layer.biases;
      if (l + 1 < layers_.size()) layers_[l + 1].input = each(layer.output, activation_->value);
    }
    return layers_.back().output;
  }

  /// Adds to the sums of derivatives what follows from those that stand in the last layer's output.
  void backward() {
    for (std::size_t l = layers_.size(); l-- > 0;) {
      Layer& layer = layers_[l];
      layer.of_weights.noalias() += layer.output * layer.input.transpose();
      layer.of_biases += layer.output.rowwise().sum();
      if (l == 0) return;
      back_.noalias() = layer.weights.transpose() * layer.output;
      Columns& below = layers_[l - 1].output;
      below = back_.cwiseProduct(each(below, activation_->slope));
    }
  }

  /// gradient <- scale times the sums of derivatives
  void write(T scale, std::span<T> gradient) const {
    T* at = gradient.data();
    for (const Layer& layer : layers_) {
      Eigen::Map<Weights>(at, layer.weights.rows(), layer.weights.cols()) = scale * layer.of_weights;
      Eigen::Map<Vector>(at + layer.weights.size(), layer.biases.size()) = scale * layer.of_biases;
      at += layer.size();
    }
  }

 private:
  using Weights = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  using Vector = Eigen::Matrix<T, Eigen::Dynamic, 1>;

  struct Layer {
    Layer(Eigen::Index outputs, Eigen::Index inputs)
        : weights(outputs, inputs), of_weights(outputs, inputs), biases(outputs), of_biases(outputs) {}
    Eigen::Index size() const { return weights.size() + biases.size(); }

    Weights weights, of_weights;
    Vector biases, of_biases;
    Columns input, output;
  };

  static Columns each(const Columns& z, double (*function)(double)) {
    return z.unaryExpr([function](T value) { return static_cast<T>(function(double{value})); });
  }

  const Activation* activation_;
  std::vector<Layer> layers_;
  Columns back_;
};
