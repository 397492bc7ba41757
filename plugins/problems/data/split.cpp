#include "split.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <utility>

namespace {

using Rows = std::vector<std::uint32_t>;

void shuffle(Rows& rows, tpc::Random& random) {
  for (std::size_t i = rows.size(); i > 1; --i)
    std::swap(rows[i - 1], rows[random.below(static_cast<std::uint32_t>(i))]);
}

Rows all_rows(std::uint64_t count) {
  Rows out(count);
  std::iota(out.begin(), out.end(), 0u);
  return out;
}

Rows contiguous(const Rows& rows, const tpc::Setup& setup) {
  const std::size_t share = rows.size() / setup.workers();
  const auto begin = rows.begin() + static_cast<std::ptrdiff_t>(setup.worker() * share);
  return {begin, begin + static_cast<std::ptrdiff_t>(share)};
}

/// Deals rows as Hsu et al. 2019 do. Worker i has class shares q_i ~ Dir(alpha p), p the shares in the file, and draws
/// its rows one by one without replacement, from class c with probability q_i[c]; a class that has run out leaves the
/// others in proportion. Instead of q_i, which takes logarithms and powers, it draws from Polya's urn: class c in
/// proportion to alpha p[c] + (rows of c that i has drawn). That is the same distribution, in exact arithmetic.
class DirichletDealer {
 public:
  DirichletDealer(double alpha, std::span<const double> labels, tpc::Random& random) : random_(&random) {
    std::map<double, Rows> classes;
    for (std::size_t r = 0; r < labels.size(); ++r) classes[labels[r]].push_back(static_cast<std::uint32_t>(r));
    require_classes(classes.size());
    for (auto& [label, rows] : classes) {
      shuffle(rows, random);
      start_.push_back(alpha * (static_cast<double>(rows.size()) / static_cast<double>(labels.size())));
      left_.push_back(std::move(rows));
    }
  }

  /// The next worker's `count` rows, ascending; so many must be left.
  Rows deal(std::size_t count) {
    weights_ = start_;
    Rows out;
    while (out.size() < count) {
      const std::size_t c = draw();
      out.push_back(left_[c].back());
      left_[c].pop_back();
      weights_[c] += 1;
    }
    std::sort(out.begin(), out.end());
    return out;
  }

 private:
  static void require_classes(std::size_t classes) {
    constexpr std::size_t most = 1000;
    if (classes > most)
      throw tpc::BadParameter(
          "split", tpc::text("split = \"dirichlet\" deals by class, but the data has ", classes,
                             " distinct labels (at most ", most, "); are they real targets? choose label or shuffled"));
  }

  double weight(std::size_t c) const { return left_[c].empty() ? 0 : weights_[c]; }

  std::size_t draw() {
    double rest = 0;
    for (std::size_t c = 0; c < left_.size(); ++c) rest += weight(c);
    rest *= random_->uniform();
    std::size_t chosen = 0;  // rounding may leave a rest behind the last class with rows: that one then
    for (std::size_t c = 0; c < left_.size(); ++c) {
      if (left_[c].empty()) continue;
      chosen = c;
      if (rest < weights_[c]) break;
      rest -= weights_[c];
    }
    return chosen;
  }

  tpc::Random* random_;
  std::vector<Rows> left_;  // per class, in random order
  std::vector<double> start_, weights_;
};

/// Every worker deals to those before it too, because what they took is gone.
Rows by_dirichlet(const SplitOptions& options, const tpc::Setup& setup, std::span<const double> labels,
                  tpc::Random& random) {
  DirichletDealer dealer(options.dirichlet_alpha, labels, random);
  const std::size_t count = labels.size() / setup.workers();
  for (std::uint32_t i = 0; i < setup.worker(); ++i) dealer.deal(count);
  return dealer.deal(count);
}

}  // namespace

std::vector<std::uint32_t> rows_of_worker(const SplitOptions& options, const tpc::Setup& setup, std::uint64_t rows,
                                          std::span<const double> labels, std::string_view file) {
  if (setup.worker() >= setup.workers())
    throw tpc::Error(TPC_INVALID_ARGUMENT, "a shard belongs to one of the workers");
  if (rows > UINT32_MAX) throw tpc::Corrupt(tpc::text(file, ": expected fewer than 2^32 rows, seen ", rows));
  if (options.split == "replicated") return all_rows(rows);
  if (rows < setup.workers())
    throw tpc::Corrupt(
        tpc::text(file, ": expected at least one row for each of ", setup.workers(), " workers, seen ", rows, " rows"));
  const bool by_label = options.split == "label" || options.split == "dirichlet";
  if (by_label && labels.size() != rows)
    throw tpc::BadParameter("split", tpc::text("split = \"", options.split,
                                               "\" needs the label of every row; give the "
                                               "file of labels, or choose order, shuffled or replicated"));
  const tpc_context context = setup.first_round();
  tpc::Random random(setup.host(), context, tpc::Scope::shared_by_workers);
  if (options.split == "dirichlet") return by_dirichlet(options, setup, labels, random);
  Rows order = all_rows(rows);
  if (options.split == "shuffled") shuffle(order, random);
  if (options.split == "label")
    std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return labels[a] < labels[b]; });
  return contiguous(order, setup);
}
