// Which worker holds which rows of a data set.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <threepc/sdk.hpp>
#include <vector>

inline constexpr std::array<const char*, 5> split_names = {"order", "shuffled", "label", "dirichlet", "replicated"};

/// The parameters that every problem with data has.
struct SplitOptions {
  std::string_view split = "order";
  double dirichlet_alpha = 0.5;

  /// A worker that gets all rows of its file need not have the file of the others.
  bool own_data() const { return split == "replicated"; }
};

/// For an options struct that derives from SplitOptions.
template <class Options>
constexpr auto split_param() {
  return tpc::param<&SplitOptions::split, Options>("split",
                                                   "rows of a worker: order: equal contiguous shards in file order, "
                                                   "the remainder dropped; shuffled: the same after a "
                                                   "shuffle; label: after a stable sort by label; dirichlet: class "
                                                   "shares drawn for each worker; replicated: all rows",
                                                   {.choices = split_names});
}
template <class Options>
constexpr auto dirichlet_param() {
  return tpc::param<&SplitOptions::dirichlet_alpha, Options>(
      "dirichlet_alpha", "concentration of split = \"dirichlet\": small: few classes a worker, large: all alike",
      {.minimum = 0.01, .maximum = 1e6});
}

/// The rows of setup.worker(), ascending within what the split orders. `labels` has one entry a row and may be empty
/// where the split does not look at labels. The same on every worker and platform, because it follows from the
/// run's seed alone; a row belongs to at most one worker (but for replicated), and every worker has one at least.
///
/// All shards but those of replicated have floor(rows / n) rows. dirichlet (Hsu, Qi, Brown 2019, arXiv 1909.06335):
/// worker by worker, with class shares drawn from Dir(alpha p), where p are the class shares of the file; the last
/// workers take what is left, so that theirs differ from that.
///
/// Throws TPC_CORRUPT, naming `file`, for fewer rows than workers or 2^32 and more, and tpc::BadParameter if labels are
/// needed but missing, or are more than 1000 different ones for dirichlet.
std::vector<std::uint32_t> rows_of_worker(const SplitOptions& options, const tpc::Setup& setup, std::uint64_t rows,
                                          std::span<const double> labels, std::string_view file);
