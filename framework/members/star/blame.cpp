#include "members/star/blame.hpp"

#include <algorithm>
#include <cmath>

#include "vector/arithmetic.hpp"

namespace threepc {
namespace {

constexpr double moderate_x = 1e9;

Failure accusation(std::uint32_t worker, const std::string& text) {
  return Failure(Exit::plugin, worker_name(worker) + ": " + text);
}

}  // namespace

bool Blame::is_everybody(std::size_t accused, std::uint64_t round) const {
  return accused > 1 && round > 0 && accused == aggregate_->members();
}

bool Blame::is_x_moderate() const { return largest_magnitude(iterate_->x()) < moderate_x; }

bool Blame::is_moderate() const {
  const double limit = moderate_magnitude(iterate_->g().dtype());
  return norm_sq(iterate_->g()) < limit * limit;
}

Blame::Accused Blame::by_evaluation(std::uint64_t round, const Evaluation& evaluation) const {
  const std::vector<std::uint32_t> guilty = evaluation.infinite();
  if (guilty.empty() || !is_x_moderate() || is_everybody(guilty.size(), round)) return {};
  const std::string problem = config_->problem.descriptor->id;
  Accused all;
  for (const std::uint32_t worker : guilty)
    all.emplace_back(worker, accusation(worker, "problem '" + problem +
                                                    "' (or its data) gives an f_i or a gradient that is not finite"));
  return all;
}

Blame::Accused Blame::by_gradient(std::uint64_t round, bool finite) const {
  if (finite && !is_x_moderate()) return {};
  Accused all = by_themselves(round);
  return all.empty() ? by_updates(round) : all;
}

Blame::Accused Blame::by_themselves(std::uint64_t round) const {
  Accused all;
  std::size_t problems = 0;
  const bool moderate = is_x_moderate();
  roster_->announce(MessageType::diagnose, round);
  for (std::uint32_t worker = 0; worker < config_->workers; ++worker) {
    const auto said = roster_->diagnosis(worker);
    if (!said || said->empty()) continue;
    const std::string text = text_of(*said);
    const bool blames_problem = text.starts_with("problem ");
    if (blames_problem && !moderate) continue;
    problems += blames_problem;
    all.emplace_back(worker, accusation(worker, text));
  }
  return is_everybody(problems, round) ? Accused{} : all;
}

Blame::Accused Blame::by_updates(std::uint64_t round) const {
  if (!aggregate_->remembers() || !is_x_moderate()) return {};
  Accused all;
  for (std::uint32_t worker = 0; worker < config_->workers; ++worker) {
    const auto program = aggregate_->program_in_round(worker);
    if (program && !mechanism_->culprit(round, worker, *program).empty())
      all.emplace_back(worker, accusation(worker, "its update decodes to NaN, infinity or immense numbers"));
  }
  return is_everybody(all.size(), round) ? Accused{} : all;
}

/// A finite step from a finite x ends at a finite x.
void Blame::judge_optimizer(std::uint64_t round, double stepsize) const {
  if (round == 0 || std::isfinite(largest_magnitude(iterate_->x())) || !aggregate_->remembers()) return;
  Aggregate before = *aggregate_;
  before.undo_round();
  RawVector g(iterate_->g().dtype(), iterate_->g().dim());
  const double moderate = moderate_magnitude(g.dtype());
  if (!before.combine(g) || !(largest_magnitude(g) * std::max(1.0, stepsize) < moderate)) return;
  throw Failure(Exit::plugin,
                "round " + std::to_string(round) + ": " + iterate_->optimizer().name() +
                    " misbehaved: g and the step size are finite, but the x that it made of them is not (" +
                    config_->optimizer.file + ")");
}

}  // namespace threepc
