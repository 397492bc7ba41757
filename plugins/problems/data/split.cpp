#include "split.hpp"

#include <algorithm>
#include <boost/random/gamma_distribution.hpp>
#include <cmath>
#include <map>
#include <numeric>

namespace {

using Rows = std::vector<std::uint32_t>;

/// tpc::Random as the standard's generators are, for Boost's distributions, which give the same numbers everywhere.
struct Engine {
  using result_type = std::uint32_t;
  static constexpr result_type min() { return 0; }
  static constexpr result_type max() { return UINT32_MAX; }
  result_type operator()() { return random->word(); }
  tpc::Random* random;
};

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

std::vector<double> dirichlet(std::size_t n, double alpha, tpc::Random& random) {
  Engine engine{&random};
  boost::random::gamma_distribution<double> gamma(alpha);
  std::vector<double> out(n);
  for (double& share : out) share = gamma(engine);
  const double total = std::accumulate(out.begin(), out.end(), 0.0);
  if (!(total > 0)) out[random.below(static_cast<std::uint32_t>(n))] = 1;  // every draw of a small alpha underflowed
  for (double& share : out) share /= total > 0 ? total : 1;
  return out;
}

/// Hands the rows of one class to the shards in the given proportions.
void deal(const Rows& rows, const std::vector<double>& shares, std::vector<Rows>& shards) {
  double passed = 0;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < shards.size(); ++i) {
    passed += shares[i];
    const double cut = std::min(1.0, passed) * static_cast<double>(rows.size());
    const std::size_t end = i + 1 == shards.size() ? rows.size() : std::max(begin, static_cast<std::size_t>(cut));
    for (; begin < end; ++begin) shards[i].push_back(rows[begin]);
  }
}

void leave_none_empty(std::vector<Rows>& shards) {
  const auto smaller = [](const Rows& a, const Rows& b) { return a.size() < b.size(); };
  for (Rows& shard : shards) {
    if (!shard.empty()) continue;
    Rows& largest = *std::max_element(shards.begin(), shards.end(), smaller);
    shard.push_back(largest.back());
    largest.pop_back();
  }
}

Rows by_dirichlet(const SplitOptions& options, const tpc::Setup& setup, std::span<const double> labels,
                  tpc::Random& random) {
  std::map<double, Rows> classes;
  for (std::size_t r = 0; r < labels.size(); ++r) classes[labels[r]].push_back(static_cast<std::uint32_t>(r));
  std::vector<Rows> shards(setup.workers());
  for (auto& [label, rows] : classes) {
    shuffle(rows, random);
    deal(rows, dirichlet(shards.size(), options.dirichlet_alpha, random), shards);
  }
  leave_none_empty(shards);
  Rows own = std::move(shards[setup.worker()]);
  std::sort(own.begin(), own.end());
  return own;
}

}  // namespace

std::vector<std::uint32_t> rows_of_worker(const SplitOptions& options, const tpc::Setup& setup, std::uint64_t rows,
                                          std::span<const double> labels, std::string_view file) {
  if (setup.worker() >= setup.workers())
    throw tpc::Error(TPC_INVALID_ARGUMENT, "a shard belongs to one of the workers");
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
