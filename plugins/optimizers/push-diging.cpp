// Push-DIGing: gradient tracking over push-sum, exact with a constant step.
#include "tracking.hpp"

namespace {

template <class T>
class PushDiging : public Tracking<T> {
 public:
  static constexpr tpc::About about = {
      .id = "push-diging",
      .version = "1.0.0",
      .summary =
          "Peers on a directed graph: gradient tracking over push-sum, exact with a constant step; sends two vectors.",
      .paper =
          "Nedic, Olshevsky, Shi, Achieving Geometric Convergence for Distributed Optimization over Time-Varying "
          "Graphs, 2017, arXiv 1607.03218; with compressed differences",
      .state_vectors = Tracking<T>::state_vectors};
  static constexpr bool divides = true;
  static constexpr std::array published = {tpc_published{0, TPC_COLUMNS_SUM_TO_ONE},
                                           tpc_published{1 + Tracking<T>::s, TPC_COLUMNS_SUM_TO_ONE}};
  using Tracking<T>::Tracking;
};

}  // namespace

THREEPC_PLUGINS(tpc::peer_method<PushDiging>);
