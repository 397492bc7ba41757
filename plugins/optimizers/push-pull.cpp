// Push-pull: x is pulled with weights whose rows sum to 1, the gradient's tracker pushed with columns that do.
#include "tracking.hpp"

namespace {

template <class T>
class PushPull : public Tracking<T> {
 public:
  static constexpr tpc::About about = {
      .id = "push-pull",
      .version = "1.0.0",
      .summary =
          "Peers on a directed graph: gradient tracking that pulls x and pushes the tracker; no push-sum weights.",
      .paper =
          "Pu, Shi, Xu, Nedic, Push-Pull Gradient Methods for Distributed Optimization in Networks, 2021, "
          "arXiv 1810.06653; with compressed differences",
      .state_vectors = Tracking<T>::state_vectors};
  static constexpr bool divides = false;
  static constexpr std::array published = {tpc_published{0, TPC_ROWS_SUM_TO_ONE},
                                           tpc_published{1 + Tracking<T>::s, TPC_COLUMNS_SUM_TO_ONE}};
  using Tracking<T>::Tracking;
};

}  // namespace

THREEPC_PLUGINS(tpc::peer_method<PushPull>);
