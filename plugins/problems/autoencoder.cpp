// A linear autoencoder on images.
//
// Worker i holds m images a_r in [0, 1]^p as the columns of A. With the decoder D of p x k and the encoder E of k x p
//   f_i(D, E) = (1/m) ||D E A - A||_F^2
// (Richtarik et al. 2022, experiments: p = 784, k = 16, d = 25088). The vector is D, then E, both row by row. With
// residual R = D E A - A the gradients are (2/m) R (E A)' and (2/m) D' R A'. There is no global smoothness constant.
//
// Images stay bytes; A is made of them a batch at a time, so that the batch, its codes and residuals stay in the cache.
#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <threepc/sdk.hpp>
#include <vector>

#include "block_sizes.hpp"
#include "data/all_rows.hpp"
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
      tpc::param<&AutoencoderOptions::hidden>("hidden", "columns of the decoder: the size of the code",
                                              {.minimum = 1, .maximum = 65536}),
      split_param<AutoencoderOptions>(), dirichlet_param<AutoencoderOptions>());

  Autoencoder(const AutoencoderOptions& options, const tpc::Setup& setup)
      : host_(&setup.host()),
        start_context_(setup.first_round()),
        file_(IdxImages::open(std::string(options.data.file))),
        pixels_(file_->pixels()) {
    fix_block_sizes();
    require_hidden(options.hidden);
    hidden_ = static_cast<std::uint32_t>(options.hidden);
    const IdxLabels labels = read_labels(options, file_->count());
    data_digest_ = digest_of(*file_, labels);
    own_data_ = options.own_data();
    keep(rows_of_worker(options, setup, file_->count(), labels.labels, file_->name()));
    start_context_.round = 1;  // round 0 of the stream is the split's
  }

  tpc::Facts facts() const {
    const std::uint32_t p = pixels_, k = hidden_;
    return {.dim = 2 * p * k,
            .rows = rows_,
            .blocks = {{p, k}, {k, p}},
            .data_digest = data_digest_,
            .own_data = own_data_};
  }

  /// Uniform in +-sqrt(6 / (pixels + hidden)) (Glorot and Bengio 2010), from the run's seed.
  void start(std::span<T> x0) const {
    tpc::Random random(*host_, start_context_, tpc::Scope::shared_by_workers);
    const double bound = std::sqrt(6 / (static_cast<double>(pixels_ + hidden_)));
    for (T& entry : x0) entry = static_cast<T>(bound * (2 * random.uniform() - 1));
  }

  double evaluate(const tpc::Context&, std::span<const T> x, std::span<T> gradient, bool) {
    file_.reset();
    return over(AllRows(rows_), x, gradient);
  }

  void evaluate_rows(const tpc::Context&, std::span<const T> x, std::span<const std::uint64_t> rows,
                     std::span<T> gradient) {
    over(rows, x, gradient);
  }

 private:
  using Images = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic>;
  using Weights = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  static constexpr std::uint64_t batch = 128;

  void require_hidden(std::int64_t hidden) const {
    if (hidden > pixels_)
      throw tpc::BadParameter("hidden", tpc::text("hidden = ", hidden, " exceeds the ", pixels_,
                                                  " pixels of an image; a code is to be smaller than that"));
    constexpr std::int64_t largest_dim = 4294967294;
    if (2 * std::int64_t{pixels_} * hidden > largest_dim)
      throw tpc::BadParameter("hidden", tpc::text("2 x ", pixels_, " pixels x hidden = ", hidden, " is more than the ",
                                                  largest_dim, " coordinates that a run can have"));
  }

  static IdxLabels read_labels(const AutoencoderOptions& options, std::uint32_t images) {
    if (!options.labels) return {};
    return read_idx_labels(std::string(options.labels->file), images);
  }

  void keep(const std::vector<std::uint32_t>& rows) {
    rows_ = rows.size();
    bytes_.reserve(rows_ * pixels_);
    for (const std::uint32_t r : rows) bytes_.insert(bytes_.end(), file_->image(r).begin(), file_->image(r).end());
  }

  /// f over the given rows, and its gradient unless that is empty. D and E are copied, because the bits of a product
  /// may depend on the alignment of its factors.
  double over(auto rows, std::span<const T> x, std::span<T> gradient) {
    const Weights decoder = Eigen::Map<const Weights>(x.data(), pixels_, hidden_);
    const Weights encoder = Eigen::Map<const Weights>(x.data() + decoder.size(), hidden_, pixels_);
    Weights of_decoder = Weights::Zero(pixels_, hidden_), of_encoder = Weights::Zero(hidden_, pixels_);
    double squares = 0;
    for (std::uint64_t begin = 0; begin < rows.size(); begin += batch) {
      load(rows, begin, std::min(batch, rows.size() - begin));
      code_.noalias() = encoder * images_;
      residual_.noalias() = decoder * code_;
      residual_ -= images_;
      squares += tpc::norm_sq(std::span<const T>(residual_.data(), static_cast<std::size_t>(residual_.size())));
      if (gradient.empty()) continue;
      of_decoder.noalias() += residual_ * code_.transpose();
      code_.noalias() = decoder.transpose() * residual_;
      of_encoder.noalias() += code_ * images_.transpose();
    }
    const auto count = static_cast<double>(rows.size());
    if (!gradient.empty()) write(of_decoder, of_encoder, static_cast<T>(2 / count), gradient);
    return squares / count;
  }

  /// images_ <- rows[begin], ..., a column each
  void load(const auto& rows, std::uint64_t begin, std::uint64_t count) {
    images_.resize(pixels_, static_cast<Eigen::Index>(count));
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::uint8_t* const image = bytes_.data() + rows[begin + i] * pixels_;
      std::transform(image, image + pixels_, images_.data() + i * pixels_,
                     [](std::uint8_t pixel) { return static_cast<T>(pixel / 255.0); });
    }
  }

  static void write(const Weights& of_decoder, const Weights& of_encoder, T scale, std::span<T> gradient) {
    const auto scaled = [scale](T value) { return scale * value; };
    const auto rest =
        std::transform(of_decoder.data(), of_decoder.data() + of_decoder.size(), gradient.begin(), scaled);
    std::transform(of_encoder.data(), of_encoder.data() + of_encoder.size(), rest, scaled);
  }

  const tpc_host* host_;
  tpc_context start_context_;
  std::shared_ptr<const IdxImages> file_;  // until the first evaluation: the process's other workers are made before
  std::uint32_t pixels_, hidden_ = 0;
  std::uint64_t data_digest_ = 0;
  bool own_data_ = false;
  std::uint64_t rows_ = 0;
  std::vector<std::uint8_t> bytes_;  // of this worker's images
  Images images_, code_, residual_;  // of a batch, a column each
};

}  // namespace

THREEPC_PLUGINS(tpc::problem<Autoencoder>);
