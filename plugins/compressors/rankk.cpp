#include <Eigen/Core>
#include <algorithm>
#include <cstdint>
#include <limits>
#include <span>
#include <threepc/sdk.hpp>
#include <vector>

#include "left_factor.hpp"

namespace {

struct RankKOptions {
  std::int64_t k = 1;
  bool exact = false;
};

/// A matrix of the vector, sent as two factors P (rows x k) and Q (columns x k), or whole where that is no shorter:
/// vectors and small matrices.
struct Part {
  std::uint32_t begin, rows, columns, k;
  std::uint32_t size() const { return rows * columns; }
  bool factored() const { return (std::uint64_t{rows} + columns) * k < size(); }
  std::uint32_t values() const { return factored() ? (rows + columns) * k : size(); }
};

/// Rank-K: each matrix M of the problem becomes P Q^T of rank k, Q = M^T P, the projection of M on the span of the
/// orthonormal columns of P. A projection never increases the error.
///
/// PowerSGD (Algorithm 1 of the paper, without the sum over workers): P = orthogonalised M Q, where Q is that of the
/// round before. So the power iteration of M M^T goes on from round to round. Columns of Q that are zero, as before
/// the first round, or not finite are drawn at random. Householder reflections make P orthonormal whatever the rank.
/// No alpha > 0 holds for every Q: alpha = 0.
///
/// exact: P holds the k leading left singular vectors (see left_factor.hpp); alpha = min k / min(rows, columns) over
/// the matrices.
///
/// M is divided by its largest magnitude first, so products neither overflow nor vanish. A matrix with NaN or
/// infinity decodes to NaN and leaves Q as it is.
///
/// Payload: for each matrix the rows of P, then those of Q^T, or all of the matrix.
template <class T>
class RankK {
 public:
  static constexpr tpc::About about = {
      .id = "rankk",
      .version = "1.0.0",
      .summary = "Sends each matrix of the problem as two factors of rank k: PowerSGD, or an exact SVD.",
      .paper =
          "Vogels et al., PowerSGD: Practical Low-Rank Gradient Compression for Distributed Optimization, NeurIPS "
          "2019, arXiv 1905.13727",
      .theory = "exact: alpha = min over matrices of k / min(rows, columns); else none known",
      .capabilities = TPC_VALUES_FIRST,
      .state_vectors = 1};
  static constexpr auto params =
      tpc::params(tpc::param<&RankKOptions::k>("k", "the rank", {.unit = "columns of a factor", .minimum = 1}),
                  tpc::param<&RankKOptions::exact>("exact",
                                                   "true: singular value decomposition in every round, slow but with "
                                                   "alpha > 0; false: one step of the power iteration"));

  RankK(const RankKOptions& options, const tpc::Setup& setup) : dim_(setup.dim()), exact_(options.exact) {
    std::uint32_t begin = 0;
    for (const tpc::Block& block : setup.blocks()) {
      const auto k = static_cast<std::uint32_t>(std::min<std::int64_t>(options.k, std::min(block.rows, block.columns)));
      parts_.push_back({begin, block.rows, block.columns, k});
      begin += parts_.back().size();
      values_ += parts_.back().values();
    }
  }

  tpc::Constants constants() const {
    double alpha = 1;
    for (const Part& part : parts_)
      if (part.factored()) alpha = std::min(alpha, exact_ ? double(part.k) / std::min(part.rows, part.columns) : 0.0);
    return {.alpha = alpha, .values = double(values_)};
  }
  std::uint64_t max_payload() const { return values_ * sizeof(T); }

  void encode(const tpc::Context& context, std::span<const T> v, tpc::Writer& out) {
    tpc::Random random = context.random(tpc::Scope::own);
    for (const Part& part : parts_) {
      const std::span<const T> values = v.subspan(part.begin, part.size());
      if (part.factored())
        encode_factors(part, values, warm_start(context, part), random, out);
      else
        out.put(values);
    }
  }

  template <class Sum>
  std::uint64_t accumulate(const tpc::Context&, tpc::Reader& in, Sum& out) {
    for (const Part& part : parts_) {
      const auto values = in.take<T>(part.values());
      if (part.factored())
        add_product(part, values, out);
      else
        out.add_run(part.begin, part.size(), [&](std::size_t i) { return values[i]; });
    }
    return values_;
  }

 private:
  using Matrix = Eigen::MatrixXd;
  template <class Scalar>
  using RowMajor = Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  using RowMajorMap = Eigen::Map<const RowMajor<T>>;
  using FactorMap = Eigen::Map<Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic>>;

  /// Q of the round before, columns x k; nothing if exact.
  std::span<T> warm_start(const tpc::Context& context, const Part& part) const {
    if (exact_) return {};
    if (context.raw().state == nullptr)
      throw tpc::Error(TPC_UNSUPPORTED, "rankk needs the memory of an encoding worker; give exact = true here");
    return context.state<T>(0, dim_).subspan(part.begin, part.columns * part.k);
  }

  void encode_factors(const Part& part, std::span<const T> values, std::span<T> warm, tpc::Random& random,
                      tpc::Writer& out) const {
    Matrix m = RowMajorMap(values.data(), part.rows, part.columns).template cast<double>();
    const double scale = m.size() == 0 ? 0 : m.cwiseAbs().maxCoeff();
    if (!m.allFinite()) return put_all(part, std::numeric_limits<T>::quiet_NaN(), out);
    if (scale == 0) return put_all(part, T{0}, out);
    m /= scale;
    // The decoder has P as T has it, so Q is made for that one.
    const RowMajor<T> p =
        (exact_ ? leading_left_vectors(m, part.k) : power_step(m, start_of(part, warm, random))).template cast<T>();
    const Matrix q = m.transpose() * p.template cast<double>();
    if (!exact_) FactorMap(warm.data(), part.columns, part.k) = q.cast<T>();
    put(p, out);
    put(RowMajor<T>((scale * q.transpose()).template cast<T>()), out);
  }

  static Matrix start_of(const Part& part, std::span<T> warm, tpc::Random& random) {
    Matrix q = FactorMap(warm.data(), part.columns, part.k).template cast<double>();
    for (auto column : q.colwise())
      if (!(column.squaredNorm() > 0 && column.allFinite()))
        for (double& value : column) value = random.normal();
    return q;
  }

  static void put(const RowMajor<T>& factor, tpc::Writer& out) {
    out.put(std::span<const T>(factor.data(), static_cast<std::size_t>(factor.size())));
  }

  static void put_all(const Part& part, T value, tpc::Writer& out) {
    for (std::uint32_t i = 0; i < part.values(); ++i) out.put(value);
  }

  /// out += P Q^T. Plain loops, because both ends must round alike, whatever compiled them.
  template <class Sum>
  void add_product(const Part& part, const tpc::Values<T>& factors, Sum& out) {
    const std::size_t of_p = std::size_t{part.rows} * part.k;
    row_.resize(part.columns);
    for (std::uint32_t i = 0; i < part.rows; ++i) {
      std::fill(row_.begin(), row_.end(), 0.0);
      for (std::uint32_t r = 0; r < part.k; ++r) {
        const double weight = factors[std::size_t{i} * part.k + r];
        const std::size_t q = of_p + std::size_t{r} * part.columns;
        for (std::uint32_t j = 0; j < part.columns; ++j) row_[j] += weight * double{factors[q + j]};
      }
      out.add_run(part.begin + std::size_t{i} * part.columns, part.columns,
                  [&](std::size_t j) { return static_cast<T>(row_[j]); });
    }
  }

  std::uint32_t dim_;
  bool exact_;
  std::vector<Part> parts_;
  std::uint64_t values_ = 0;
  std::vector<double> row_;  // of P Q^T
};

}  // namespace

THREEPC_PLUGINS(tpc::compressor<RankK>);
