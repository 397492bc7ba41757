#include <algorithm>
#include <array>
#include <cstdint>
#include <numeric>
#include <span>
#include <threepc/sdk.hpp>
#include <utility>
#include <vector>

namespace {

struct PermKOptions {
  bool scaled = true;
};

/// Perm-K: one random partition a round of the coordinates among the n workers, each of which keeps its own part.
///
/// d >= n: the positions 0 .. n ceil(d/n) - 1 are permuted, worker i keeps the i-th block of ceil(d/n) of them, and
/// positions from d on are padding. Each coordinate is kept by exactly one worker, scaled by n.
/// d < n: worker i keeps one coordinate, scaled by d. Both workers and coordinates are permuted, so each coordinate
/// is kept by floor(n/d) or ceil(n/d) workers.
///
/// Let m = min(n, d). Each worker alone has omega = m - 1; unscaled, alpha = 1/m. With P the probability that two given
/// workers keep the same coordinate (0 for d >= n), all of them together err by exactly
///   E||(1/n) sum Q_i(a_i) - a||^2 = (m/n) (1 - P) mean ||a_i||^2 - (1 - m P) ||a||^2,    a = mean a_i,
/// which for d >= n is the AB inequality of the paper with A = B = 1: the mean of equal vectors is exact.
///
/// Payload: the kept values. The partition is drawn from the stream that all workers share, so it costs nothing.
template <class T>
class PermK {
 public:
  static constexpr tpc::About about = {
      .id = "permk",
      .version = "1.0.0",
      .summary = "Each worker keeps its own part of a random partition of the coordinates; sends values only.",
      .paper =
          "Szlendak et al., Permutation Compressors for Provably Faster Distributed Nonconvex Optimization, "
          "ICLR 2022, arXiv 2110.03300",
      .theory = "omega = n - 1 (joint: A = 1, B = 1); unscaled: alpha = 1/n",
      .capabilities = TPC_VALUES_FIRST};
  static constexpr auto params = tpc::params(
      tpc::param<&PermKOptions::scaled>("scaled", "true: times min(n, d), unbiased; false: as they are, contractive"));

  PermK(const PermKOptions& options, const tpc::Setup& setup)
      : dim_(setup.dim()),
        workers_(setup.workers()),
        parts_(std::max(1u, std::min(dim_, workers_))),
        block_(dim_ < workers_ ? std::min(dim_, 1u) : dim_ / workers_ + (dim_ % workers_ != 0 ? 1 : 0)),
        scaled_(options.scaled),
        scale_(scaled_ ? T(parts_) : T(1)) {}

  tpc::Constants constants() const {
    tpc::Constants c;
    if (!scaled_ || parts_ == 1) c.alpha = 1.0 / parts_;
    if (scaled_ || parts_ == 1) {
      c.omega = parts_ - 1.0;
      c.joint_A = double(parts_) / workers_ * (1 - same_coordinate());
      c.joint_B = 1 - parts_ * same_coordinate();
    }
    if (dim_ < workers_ || dim_ % workers_ == 0) c.values = block_;  // else padding falls to one worker or another
    return c;
  }
  std::uint64_t max_payload() const { return std::uint64_t{block_} * sizeof(T); }

  void encode(const tpc::Context& context, tpc::Difference<T> v, tpc::Writer& out) {
    for (const std::uint32_t i : part(context)) out.put(T(v[i] * scale_));
  }

  template <class Sum>
  std::uint64_t accumulate(const tpc::Context& context, tpc::Reader& in, Sum& out) {
    const std::vector<std::uint32_t>& kept = part(context);
    const auto values = in.take<T>(kept.size());
    for (std::size_t j = 0; j < kept.size(); ++j) out.add(kept[j], values[j]);
    return kept.size();
  }

 private:
  using Words = std::array<std::uint32_t, 4>;

  /// P: of the n workers, n mod d coordinates are kept by floor(n/d) + 1 and the others by floor(n/d).
  double same_coordinate() const {
    if (dim_ >= workers_ || dim_ == 0) return 0;
    const double times = workers_ / dim_, more = workers_ % dim_;
    const double pairs = more * (times + 1) * times + (dim_ - more) * times * (times - 1);
    return pairs / workers_ / (workers_ - 1.0);
  }

  /// The coordinates of this worker, in the order of the permutation.
  const std::vector<std::uint32_t>& part(const tpc::Context& context) {
    if (context.worker() >= workers_)
      throw tpc::Error(TPC_UNSUPPORTED, "permk shares the coordinates out among workers; this vector is no worker's");
    draw(context);
    kept_.clear();
    if (dim_ < workers_ && dim_ > 0) kept_.push_back(coordinates_[positions_[context.worker()] % dim_]);
    if (dim_ < workers_) return kept_;
    const auto* const begin = positions_.data() + std::size_t{context.worker()} * block_;
    for (const auto* at = begin; at != begin + block_; ++at)
      if (*at < dim_) kept_.push_back(*at);
    return kept_;
  }

  /// A server decodes n messages of one round: the permutation stays while the first 128 bits of its stream are
  /// the same. So nothing depends on earlier calls but the time that this one takes.
  void draw(const tpc::Context& context) {
    tpc::Random random = context.random(tpc::Scope::shared_by_workers);
    const Words first = {random.word(), random.word(), random.word(), random.word()};
    if (!positions_.empty() && first == drawn_from_) return;
    drawn_from_ = first;
    permute(positions_, dim_ < workers_ ? workers_ : std::size_t{block_} * workers_, random);
    if (dim_ < workers_) permute(coordinates_, dim_, random);
  }

  /// A uniform permutation of 0 .. size-1 (Fisher and Yates, as in Durstenfeld 1964).
  static void permute(std::vector<std::uint32_t>& out, std::size_t size, tpc::Random& random) {
    out.resize(size);
    std::iota(out.begin(), out.end(), 0u);
    for (std::size_t left = size; left > 1; --left)
      std::swap(out[left - 1], out[random.below(static_cast<std::uint32_t>(left))]);
  }

  std::uint32_t dim_;
  std::uint32_t workers_;
  std::uint32_t parts_;  // m = min(n, d), at least 1
  std::uint32_t block_;  // positions of one worker
  bool scaled_;
  T scale_;
  Words drawn_from_{};
  std::vector<std::uint32_t> positions_;    // permuted: coordinates and padding, or workers where d < n
  std::vector<std::uint32_t> coordinates_;  // permuted, where d < n
  std::vector<std::uint32_t> kept_;
};

}  // namespace

THREEPC_PLUGINS(tpc::compressor<PermK>);
