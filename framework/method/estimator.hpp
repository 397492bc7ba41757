// What a worker takes for its gradient: the gradient itself, a minibatch's, or a moving average of either.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "config/run_config.hpp"
#include "plugin/instances.hpp"
#include "vector/bytes.hpp"

namespace threepc {

/// The x and y of the three points. With [workers] batch = b it is the gradient over b rows, drawn uniformly with
/// replacement from the worker's own random stream of the round. With [mechanism] momentum = eta it is
/// v^{t+1} = (1 - eta) v^t + eta g^{t+1}, v^0 = g^0 (EF21-SGDM: Fatkhullin, Tyurin, Richtarik 2023, arXiv
/// 2305.15155, Algorithm 1). Both work with any mechanism. One thread at a time.
class Estimator {
 public:
  /// Throws Failure(Exit::usage) if the problem cannot give what the configuration asks for. `problem` outlives it.
  Estimator(const RunConfig& config, const Problem& problem, std::uint64_t rows);

  /// From where f_i and its gradient come, either if it is wanted, in place of the problem: of one that the host can
  /// only evaluate together with other workers'.
  using Source = std::function<void(double* value, void* gradient)>;
  void take_from(Source source) { source_ = std::move(source); }

  /// f_i and its gradient, either of which may be nullptr; the estimate does not move.
  void evaluate(const tpc_context& context, const void* x, double* value, void* gradient) const;

  /// Whether estimates are the gradients themselves.
  bool exact() const { return batch_ == 0 && momentum_ == 1; }

  /// The next point, from x. If `value` is given the caller wants an evaluation: f_i(x) goes there and the true
  /// gradient to truth(). Rounds come in order.
  void next(const tpc_context& context, const void* x, double* value);

  /// As if next() had just been called for the round of `context`, the round that x is of. `memory`, if it is not
  /// empty, holds what memory() was then; otherwise v starts anew from the gradient. Throws tpc::Error if it does not
  /// fit.
  void restart(const tpc_context& context, const void* x, tpc::Reader& memory);
  /// v, which does not follow from x alone; nullptr without momentum, where the point does.
  const RawVector* memory() const { return momentum_ < 1 ? &point_ : nullptr; }

  const RawVector& point() const { return point_; }        // x of the three points
  const RawVector& previous() const { return previous_; }  // y
  const RawVector& truth() const { return exact() ? point_ : truth_; }

 private:
  void estimate(const tpc_context& context, const void* x);
  void draw(const tpc_context& context);

  const Problem* problem_;
  Source source_;
  std::uint64_t rows_ = 0;
  std::uint64_t batch_ = 0;  // 0: all rows
  double momentum_ = 1;
  bool begun_ = false;  // there is a point
  std::vector<std::uint64_t> drawn_;
  RawVector point_, previous_;
  RawVector truth_;  // only where estimates are not exact
};

}  // namespace threepc
