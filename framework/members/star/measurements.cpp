#include "members/star/measurements.hpp"

#include <cmath>
#include <cstdio>
#include <limits>
#include <threepc/sdk/bytes.hpp>
#include <utility>

namespace threepc {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr std::uint64_t enough = 8;  // observations before a constant is judged

/// Where the plugin stands below [mechanism]: "compressor", "unbiased", "inner.compressor".
std::string label_of(const std::string& place) {
  const std::string root = "mechanism.";
  return place.starts_with(root) ? place.substr(root.size()) : place;
}

std::string shown(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", value);
  return text;
}

}  // namespace

Measurements::Measurements(const MechanismTree& tree)
    : constants_(tree.constants()),
      bounds_aggregate_((tree.capabilities() & TPC_BOUNDS_AGGREGATE) != 0),
      tolerance_(tree.membership().dtype == TPC_F32 ? 1e-4 : 1e-9) {
  for (const auto& codec : tree.codecs()) {
    const tpc::Constants c = codec->constants();
    const bool contractive = !std::isnan(c.alpha);
    watched_.push_back({label_of(codec->spec().place),
                        codec->name() + " in [" + codec->spec().place + "]",
                        contractive ? "||C(v)-v||^2/||v||^2 <= 1 - alpha" : "||Q(v)-v||^2/||v||^2 <= omega",
                        contractive ? 1 - c.alpha : c.omega,
                        {}});
  }
  watched_.push_back({"", tree.name(), "||C(x)-x||^2 <= (1-A)||h-y||^2 + B||x-y||^2", 1, {}});
}

void Measurements::append_to(Bytes& out, double gap, const MechanismTree& tree, const Measurement* measurement) {
  append(out, gap);
  for (const double value : {measurement ? measurement->left : nan, measurement ? measurement->behind : nan,
                             measurement ? measurement->movement : nan})
    append(out, value);
  for (std::size_t i = 0; i < tree.codecs().size(); ++i) {
    append(out, measurement ? measurement->codecs[i].error : 0.0);
    append(out, measurement ? measurement->codecs[i].size : 0.0);
  }
}

void Measurements::begin_round() {
  workers_ = moved_ = 0;
  gap_ = left_ = behind_ = movement_ = 0;
  for (Watched& watched : watched_) watched.error = watched.size = 0;
}

void Measurements::add(std::span<const std::uint8_t> worker_doubles) {
  const tpc::Values<double> values(worker_doubles.data());
  ++workers_;
  gap_ += values[0];
  if (std::isnan(values[1])) return;  // it took no part in the method's round
  ++moved_;
  left_ += values[1];
  behind_ += values[2];
  movement_ += values[3];
  for (std::size_t i = 0; i + 1 < watched_.size(); ++i) {
    const double error = values[4 + 2 * i], size = values[5 + 2 * i];
    watched_[i].error += error;
    watched_[i].size += size;
    if (size > 0) judge(watched_[i], error / size, watched_[i].bound);
  }
  if (!bounds_aggregate_ && !std::isnan(constants_.A))
    judge(mechanism(), values[1], (1 - constants_.A) * values[2] + constants_.B * values[3]);
}

void Measurements::judge(Watched& watched, double value, double bound) {
  const double scale = std::abs(value) + std::abs(bound);
  if (!std::isfinite(scale) || scale == 0) return;
  watched.excess.add((value - bound) / scale);
  if (watched.reported || watched.excess.count() < enough || !watched.excess.exceeds(0, tolerance_)) return;
  watched.reported = true;
  warnings_.push_back(watched.who + " violates a constant that it declares: " + watched.claim +
                      " fails on average, the " + "last time with " + shown(value) + " > " + shown(bound));
}

std::vector<NamedValue> Measurements::finish_round(std::uint64_t round, double aggregate_gap) {
  const double n = moved_;
  std::vector<NamedValue> out = {{"G", gap_ / workers_}, {"aggregate_error", aggregate_gap}};
  for (std::size_t i = 0; i + 1 < watched_.size(); ++i) {
    const Watched& codec = watched_[i];
    out.push_back({"compression_error." + codec.label, codec.size > 0 ? codec.error / codec.size : nan});
    out.push_back({"compression_bound." + codec.label, codec.bound});
  }
  const bool follows = last_round_ + 1 == round;
  const double left = bounds_aggregate_ ? aggregate_gap : left_ / n;
  const double behind = bounds_aggregate_ ? (follows ? last_aggregate_gap_ : nan) : behind_ / n;
  const double right = (1 - constants_.A) * behind + constants_.B * movement_ / n;
  if (bounds_aggregate_ && moved_ == workers_ && !std::isnan(right)) judge(mechanism(), left, right);
  out.push_back({"inequality_lhs", round == 0 ? nan : left});
  out.push_back({"inequality_rhs", right});
  last_round_ = round;
  last_aggregate_gap_ = aggregate_gap;
  return out;
}

std::vector<std::string> Measurements::take_warnings() { return std::exchange(warnings_, {}); }

}  // namespace threepc
