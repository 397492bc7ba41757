#include "method/step_log.hpp"

#include <threepc/sdk/bytes.hpp>
#include <utility>

namespace threepc {

void StepLog::add(Bytes step) {
  size_ += step.size();
  steps_.push_back(std::move(step));
  ++present_;
  while (steps_.size() > 1 && size_ > most_) {
    size_ -= steps_.front().size();
    steps_.pop_front();
  }
}

std::uint64_t StepLog::size_since(std::uint64_t round) const {
  std::uint64_t size = 0;
  for (std::size_t i = steps_.size() - (present_ - round); i < steps_.size(); ++i) size += steps_[i].size();
  return size;
}

void StepLog::append_since(std::uint64_t round, Bytes& out) const {
  for (std::size_t i = steps_.size() - (present_ - round); i < steps_.size(); ++i)
    out.insert(out.end(), steps_[i].begin(), steps_[i].end());
}

void StepLog::save(Bytes& out) const {
  append(out, present_);
  append(out, std::uint64_t{steps_.size()});
  for (const Bytes& step : steps_) {
    append(out, std::uint64_t{step.size()});
    out.insert(out.end(), step.begin(), step.end());
  }
}

void StepLog::load(tpc::Reader& in) {
  begin(in.get<std::uint64_t>());
  for (auto left = in.get<std::uint64_t>(); left > 0; --left) {
    const auto step = in.take_span(in.get<std::uint64_t>());
    steps_.emplace_back(step.begin(), step.end());
    size_ += step.size();
  }
}

void StepLog::begin(std::uint64_t round) {
  present_ = round;
  steps_.clear();
  size_ = 0;
}

}  // namespace threepc
