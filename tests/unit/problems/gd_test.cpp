#include "harness.hpp"

namespace {

template <class T>
void expect_step(tpc_dtype dtype) {
  const threepc::PluginSpec spec = problems_test::make_spec("optimizer-gd", {});
  const threepc::Optimizer gd(spec, {dtype, 3, 2, TPC_SERVER, 1}, 0);
  std::vector<T> x = {1, -2, 4};
  const std::vector<T> g = {2, 0, -8};
  gd.step(gd.context(5, TPC_SERVER, 0.25), g.data(), x.data(), nullptr);
  EXPECT_EQ(x, (std::vector<T>{0.5, -2, 6}));
}

TEST(GradientDescent, MovesByMinusStepsizeTimesG) {
  expect_step<double>(TPC_F64);
  expect_step<float>(TPC_F32);
}

}  // namespace
