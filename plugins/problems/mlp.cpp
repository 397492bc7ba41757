// Dense networks of any depth and widths, on images with labels or LIBSVM text.
//
// z^1 = W^1 a + b^1, z^(l+1) = W^(l+1) sigma(z^l) + b^(l+1); worker i has m rows a_r, and with z_r the last of a_r's z
//   softmax: f_i = (1/m) sum_r [log sum_c exp z_rc - z_{r, y_r}],
//   mse:     f_i = (1/m) sum_r (1/2) |z_r - t_r|^2, t_r the unit vector of class y_r, or the label itself.
// The vector is W^1 row by row, b^1, W^2 row by row, b^2, ... Its blocks are these matrices, a bias a column. There is
// no global smoothness constant.
//
// Rows pass through the network a batch at a time, a column each, so that what a layer keeps for the way back stays in
// the cache.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <threepc/sdk.hpp>
#include <vector>

#include "block_sizes.hpp"
#include "data/all_rows.hpp"
#include "data/text_lines.hpp"
#include "network/data_set.hpp"
#include "network/dense_network.hpp"
#include "network/initial.hpp"
#include "network/loss.hpp"

namespace {

struct MlpOptions : DataOptions, InitOptions {
  std::optional<tpc::Reals> hidden;
  std::string_view activation = "relu";
  std::string_view loss = "softmax";
  std::optional<tpc::Path> weights;
};

template <auto Field>
constexpr auto param(const char* key, const char* doc, tpc::ParamTraits traits = {}) {
  return tpc::param<Field, MlpOptions>(key, doc, traits);
}

std::string joined(const std::vector<std::uint32_t>& widths) {
  std::string out;
  for (const std::uint32_t width : widths) out += (out.empty() ? "" : "-") + std::to_string(width);
  return out;
}

/// Of inputs, hidden layers and outputs. Throws tpc::BadParameter for a width that is no whole number or beyond 2^24.
std::vector<std::uint32_t> widths_of(const MlpOptions& options, std::uint32_t inputs, std::uint32_t outputs) {
  constexpr std::uint32_t most = 1 << 24;
  std::vector<std::uint32_t> out = {inputs};
  for (const double width : options.hidden.value_or(tpc::Reals())) {
    if (width != std::floor(width) || width > most)
      throw tpc::BadParameter("hidden", tpc::text("expected whole numbers of units, 1 to ", most, ", seen ", width));
    out.push_back(static_cast<std::uint32_t>(width));
  }
  out.push_back(outputs);
  return out;
}

/// Throws tpc::BadParameter for more coordinates than a run can have.
std::uint32_t dim_of(const std::vector<std::uint32_t>& widths) {
  constexpr std::uint64_t largest_dim = 4294967294;
  std::uint64_t dim = 0;
  for (std::size_t l = 1; l < widths.size() && dim <= largest_dim; ++l)
    dim += (std::uint64_t{widths[l - 1]} + 1) * widths[l];
  if (dim > largest_dim)
    throw tpc::BadParameter("hidden", tpc::text("a network of the widths ", joined(widths), " has more than the ",
                                                largest_dim, " coordinates that a run can have"));
  return static_cast<std::uint32_t>(dim);
}

/// The loss of all outputs of an example, by its target.
class Loss {
 public:
  explicit Loss(const MlpOptions& options)
      : is_softmax_(options.loss == "softmax"), of_values_(options.wants_values()) {
    if (is_softmax_ && of_values_)
      throw tpc::BadParameter("targets", "loss = \"softmax\" needs classes; values go with loss = \"mse\"");
    if (of_values_ && options.labels)
      throw tpc::BadParameter("classes", "targets = \"values\" has none: a label is the target itself");
  }

  bool has_classes() const { return !of_values_; }

  /// Puts the derivative in the place of the scores z.
  template <class T>
  double differentiate(std::span<T> z, double target) const {
    const auto own = static_cast<std::size_t>(of_values_ ? 0 : target);
    if (is_softmax_) return cross_entropy(z, own);
    return half_square(z, [&](std::size_t c) { return of_values_ ? target : c == own ? 1.0 : 0.0; });
  }

 private:
  bool is_softmax_, of_values_;
};

/// Sums over examples.
struct Tally {
  double loss = 0, correct = 0, count = 0;
};

template <class T>
class Mlp {
 public:
  static constexpr tpc::About about = {
      .id = "mlp",
      .version = "1.0.0",
      .summary = "Dense network of any depth and widths, softmax or mse, on IDX images (MNIST) or LIBSVM data.",
      .paper = "Roberts, Yaida, Hanin, The Principles of Deep Learning Theory, 2022, arXiv 2106.10165 (init)",
      .theory = "none: not convex and not smooth; give stepsize a number"};
  static constexpr auto params = tpc::params(
      data_param<MlpOptions>("IDX file of images, for which labels is given, or LIBSVM text; plain, gz, bz2 or xz"),
      param<&DataOptions::label_file>("labels", "IDX file of the images' labels; LIBSVM text has its own"),
      param<&DataOptions::targets>("targets",
                                   "classes: an output for each; values: one output, which is to be the "
                                   "label, with loss = \"mse\"",
                                   {.choices = target_names}),
      param<&LabelledOptions::labels>("classes",
                                      "the labels of the classes, in their order; default: all that there are, "
                                      "ascending"),
      features_param<MlpOptions>(), scale_param<MlpOptions>(),
      param<&MlpOptions::hidden>("hidden", "widths of the hidden layers; default: none, a linear model",
                                 {.minimum = 1}),
      param<&MlpOptions::activation>("activation", "between layers; gelu is z Phi(z), swish z / (1 + exp(-z))",
                                     {.choices = activation_names}),
      param<&MlpOptions::loss>("loss", "softmax: cross-entropy; mse: half the squared distance to the target",
                               {.choices = loss_names}),
      param<&InitOptions::init>(
          "init",
          "critical: normal, of variances at which the activation's signals neither die out nor "
          "explode with depth; he: normal, 2/fan-in; glorot: uniform; gaussian: normal, of sigma_w "
          "and sigma_b",
          {.choices = init_names}),
      param<&InitOptions::sigma_w>("sigma_w", "of init = \"gaussian\": weights have the variance sigma_w^2 / fan-in",
                                   {.minimum = 0}),
      param<&InitOptions::sigma_b>("sigma_b", "likewise: biases have the variance sigma_b^2; default: 0",
                                   {.minimum = 0}),
      param<&MlpOptions::weights>("weights", "a text file of the whole vector to start from, in place of init"),
      param<&DataOptions::held_out>("held_out",
                                    "share of the rows that nobody trains on, drawn from the seed; metrics are told "
                                    "of them",
                                    {.minimum = 0, .maximum = 0.99}),
      split_param<MlpOptions>(), dirichlet_param<MlpOptions>());
  static constexpr std::array metrics = {"accuracy", "held_out_accuracy", "held_out_loss"};

  Mlp(const MlpOptions& options, const tpc::Setup& setup)
      : host_(&setup.host()),
        start_context_(setup.first_round()),
        loss_(options),
        initial_(options, activation_of(options.activation)),
        data_(std::in_place, options),
        widths_(widths_of(options, data_->features(), data_->outputs())),
        dim_(dim_of(widths_)),
        network_(widths_, activation_of(options.activation)),
        data_digest_(data_->digest()),
        own_data_(options.own_data()) {
    fix_block_sizes();
    if (options.weights) read_weights(std::string(options.weights->file));
    const Parts parts = data_->parts(options, setup);
    training_ = data_->examples<T>(options, parts.training);
    held_out_ = data_->examples<T>(options, parts.held_out);
    start_context_.round = 1;  // round 0 of the stream is the split's
  }

  tpc::Facts facts() const {
    return {.dim = dim_,
            .rows = training_.size(),
            .blocks = network_.blocks(),
            .data_digest = data_digest_,
            .own_data = own_data_};
  }

  void start(std::span<T> x0) const {
    if (weights_.empty())
      return initial_.draw(network_.blocks(), tpc::Random(*host_, start_context_, tpc::Scope::shared_by_workers), x0);
    std::transform(weights_.begin(), weights_.end(), x0.begin(), [](double w) { return static_cast<T>(w); });
  }

  double evaluate(const tpc::Context&, std::span<const T> x, std::span<T> gradient, bool want_value) {
    data_.reset();
    const Tally all = over(training_, AllRows(training_.size()), x, gradient);
    if (want_value) measure(all, over(held_out_, AllRows(held_out_.size()), x, {}));
    return all.loss / all.count;
  }

  void evaluate_rows(const tpc::Context&, std::span<const T> x, std::span<const std::uint64_t> rows,
                     std::span<T> gradient) {
    over(training_, rows, x, gradient);
  }

  tpc::Share metric(std::size_t k) const { return shares_[k]; }

 private:
  static constexpr std::uint64_t batch = 128;

  void read_weights(const std::string& file) {
    weights_ = read_reals(file);
    if (weights_.size() != dim_)
      throw tpc::Corrupt(tpc::text(file, ": expected ", dim_, " numbers, weights and biases of the widths ",
                                   joined(widths_), ", seen ", weights_.size()));
  }

  /// The given rows, and the gradient of their mean loss unless that is empty.
  Tally over(const Examples<T>& examples, auto rows, std::span<const T> x, std::span<T> gradient) {
    Tally tally;
    network_.take(x);
    for (std::uint64_t begin = 0; begin < rows.size(); begin += batch) {
      const std::uint64_t count = std::min(batch, rows.size() - begin);
      auto& inputs = network_.inputs();
      inputs.resize(widths_.front(), static_cast<Eigen::Index>(count));
      for (std::uint64_t i = 0; i < count; ++i) examples.inputs.write(rows[begin + i], column(inputs, i));
      auto& scores = network_.forward();
      for (std::uint64_t i = 0; i < count; ++i) score(column(scores, i), examples.targets[rows[begin + i]], tally);
      if (!gradient.empty()) network_.backward();
    }
    if (!gradient.empty()) network_.write(static_cast<T>(1 / tally.count), gradient);
    return tally;
  }

  static std::span<T> column(typename DenseNetwork<T>::Columns& all, std::uint64_t i) {
    const auto size = static_cast<std::size_t>(all.rows());
    return {all.data() + i * size, size};
  }

  /// Adds an example to the tally. Of scores that are equal the first counts.
  void score(std::span<T> scores, double target, Tally& tally) const {
    const auto best = std::max_element(scores.begin(), scores.end()) - scores.begin();
    tally.count += 1;
    tally.correct += static_cast<double>(best) == target ? 1 : 0;
    tally.loss += loss_.differentiate(scores, target);
  }

  void measure(const Tally& training, const Tally& held_out) {
    const double has_classes = loss_.has_classes() ? 1 : 0;
    shares_ = {tpc::Share{has_classes * training.correct, has_classes * training.count},
               tpc::Share{has_classes * held_out.correct, has_classes * held_out.count},
               tpc::Share{held_out.loss, held_out.count}};
  }

  const tpc_host* host_;
  tpc_context start_context_;
  Loss loss_;
  Initial initial_;
  std::optional<DataSet> data_;  // until the first evaluation: the process's other workers are made before
  std::vector<std::uint32_t> widths_;
  std::uint32_t dim_;
  DenseNetwork<T> network_;
  std::uint64_t data_digest_;
  bool own_data_;
  std::vector<double> weights_;  // to start from; empty: drawn
  Examples<T> training_, held_out_;
  std::array<tpc::Share, 3> shares_ = {};
};

}  // namespace

THREEPC_PLUGINS(tpc::problem<Mlp>);
