// A linear autoencoder on images.
//
// Worker i holds m images a_r in [0, 1]^p as the columns of A. With the decoder D of p x k and the encoder E of k x p
//   f_i(D, E) = (1/m) ||D E A - A||_F^2
// (Richtarik et al. 2022, experiments: p = 784, k = 16, d = 25088). The vector is D, then E, both row by row. With
// residual R = D E A - A the gradients are (2/m) R (E A)' and (2/m) D' R A'. There is no global smoothness constant.
#include <Eigen/Core>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <optional>
#include <string>
#include <threepc/sdk.hpp>
#include <vector>

#include "data/idx.hpp"
#include "data/split.hpp"

namespace {

struct AutoencoderOptions : SplitOptions {
  tpc::Path data;
  std::optional<tpc::Path> labels;
  std::int64_t hidden = 16;
};

template <class T>
class Autoencoder {
 public:
  static constexpr tpc::About about = {
      .id = "autoencoder",
      .version = "1.0.0",
      .summary = "Linear autoencoder ||D E a - a||^2 on images in IDX files (MNIST); nonconvex, two matrices.",
      .paper = "Richtarik et al., 3PC: Three Point Compressors, ICML 2022, arXiv 2202.00998",
      .theory = "none: the gradient is not globally Lipschitz; give stepsize a number"};
  static constexpr auto params = tpc::params(
      tpc::param<&AutoencoderOptions::data>("data", "IDX file of images, plain, gz, bz2 or xz", {.required = true}),
      tpc::param<&AutoencoderOptions::labels>("labels", "IDX file of labels, for split = \"label\" or \"dirichlet\""),
      tpc::param<&AutoencoderOptions::hidden>("hidden", "columns of the decoder: the size of the code", {.minimum = 1}),
      split_param<AutoencoderOptions>(), dirichlet_param<AutoencoderOptions>());

  Autoencoder(const AutoencoderOptions& options, const tpc::Setup& setup)
      : host_(&setup.host()), start_context_(setup.first_round()) {
    const std::string file(options.data.file);
    const IdxBytes images = read_idx(file);
    pixels_ = static_cast<Eigen::Index>(images.item_size());
    hidden_ = static_cast<Eigen::Index>(options.hidden);
    if (options.hidden > pixels_)
      throw tpc::BadParameter("hidden", tpc::text("hidden = ", options.hidden, " exceeds the ", pixels_,
                                                  " pixels of an image; a code is to be smaller than that"));
    const std::vector<double> labels = read_labels(options, images.items());
    keep(images, rows_of_worker(options, setup, images.items(), labels, file));
    start_context_.round = 1;  // round 0 of the stream is the split's
  }

  tpc::Facts facts() const {
    const auto p = static_cast<std::uint32_t>(pixels_), k = static_cast<std::uint32_t>(hidden_);
    return {.dim = 2 * p * k, .rows = static_cast<std::uint64_t>(images_.cols()), .blocks = {{p, k}, {k, p}}};
  }

  /// Uniform in +-sqrt(6 / (pixels + hidden)) (Glorot and Bengio 2010), from the run's seed.
  void start(std::span<T> x0) const {
    tpc::Random random(*host_, start_context_, tpc::Scope::shared_by_workers);
    const double bound = std::sqrt(6.0 / static_cast<double>(pixels_ + hidden_));
    for (T& entry : x0) entry = static_cast<T>(bound * (2 * random.uniform() - 1));
  }

  double evaluate(const tpc::Context&, std::span<const T> x, std::span<T> gradient, bool) {
    return over(images_, x, gradient);
  }

  void evaluate_rows(const tpc::Context&, std::span<const T> x, std::span<const std::uint64_t> rows,
                     std::span<T> gradient) {
    Images batch(pixels_, static_cast<Eigen::Index>(rows.size()));
    for (Eigen::Index r = 0; r < batch.cols(); ++r)
      batch.col(r) = images_.col(static_cast<Eigen::Index>(rows[static_cast<std::size_t>(r)]));
    over(batch, x, gradient);
  }

 private:
  using Images = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic>;
  using Weights = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

  static std::vector<double> read_labels(const AutoencoderOptions& options, std::size_t images) {
    if (!options.labels) return {};
    const std::string file(options.labels->file);
    const IdxBytes labels = read_idx(file);
    if (labels.values.size() != images)
      throw tpc::Corrupt(
          tpc::text(file, ": expected one label for each of ", images, " images, seen ", labels.values.size()));
    return {labels.values.begin(), labels.values.end()};
  }

  void keep(const IdxBytes& images, const std::vector<std::uint32_t>& rows) {
    images_.resize(pixels_, static_cast<Eigen::Index>(rows.size()));
    for (std::size_t r = 0; r < rows.size(); ++r)
      for (Eigen::Index j = 0; j < pixels_; ++j)
        images_(j, static_cast<Eigen::Index>(r)) =
            static_cast<T>(images.values[rows[r] * images.item_size() + static_cast<std::size_t>(j)] / 255.0);
  }

  /// f over the columns of `images`, and its gradient unless that is empty. D and E are copied, because the bits of a
  /// product may depend on the alignment of its factors.
  double over(const Images& images, std::span<const T> x, std::span<T> gradient) const {
    const Weights decoder = Eigen::Map<const Weights>(x.data(), pixels_, hidden_);
    const Weights encoder = Eigen::Map<const Weights>(x.data() + pixels_ * hidden_, hidden_, pixels_);
    const Images code = encoder * images;
    Images residual = decoder * code;
    residual -= images;
    const auto count = static_cast<double>(images.cols());
    if (!gradient.empty()) {
      const T scale = static_cast<T>(2 / count);
      const Weights by_decoder = scale * (residual * code.transpose());
      const Images back = decoder.transpose() * residual;
      const Weights by_encoder = scale * (back * images.transpose());
      std::copy_n(by_decoder.data(), by_decoder.size(), gradient.begin());
      std::copy_n(by_encoder.data(), by_encoder.size(), gradient.begin() + by_decoder.size());
    }
    return tpc::norm_sq(std::span<const T>(residual.data(), static_cast<std::size_t>(residual.size()))) / count;
  }

  const tpc_host* host_;
  tpc_context start_context_;
  Eigen::Index pixels_ = 0, hidden_ = 0;
  Images images_;  // one a column
};

}  // namespace

THREEPC_PLUGINS(tpc::problem<Autoencoder>);
