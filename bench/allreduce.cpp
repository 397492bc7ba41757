// Dense gradient descent as an MPI job does it, to compare with over the same links: every rank has the rows of one
// worker, and MPI_Allreduce adds the gradients.
//
// usage: mpirun -n N threepc_allreduce CONFIG ROUNDS STEPSIZE [KEY=VALUE...]    f32 only
#include <mpi.h>

#include <cstdio>
#include <cstdlib>
#include <vector>

#include "config/run_config.hpp"
#include "plugin/instances.hpp"

namespace {

using namespace threepc;

constexpr std::uint32_t problem_stream = 1;

struct Rank {
  int number = 0, count = 1;
  Rank() { MPI_Comm_rank(MPI_COMM_WORLD, &number), MPI_Comm_size(MPI_COMM_WORLD, &count); }
};

double train(const Problem& problem, const Rank& rank, int rounds, float stepsize) {
  const std::uint32_t dim = problem.facts().dim;
  std::vector<float> x(dim), gradient(dim);
  problem.start(x.data());
  const double begun = MPI_Wtime();
  double f = 0;
  for (int round = 0; round <= rounds; ++round) {
    double own = 0;
    problem.evaluate(
        problem.context(static_cast<std::uint64_t>(round), static_cast<std::uint32_t>(rank.number), stepsize), x.data(),
        &own, gradient.data());
    MPI_Allreduce(&own, &f, 1, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
    MPI_Allreduce(MPI_IN_PLACE, gradient.data(), static_cast<int>(dim), MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD);
    const float share = stepsize / static_cast<float>(rank.count);
    for (std::uint32_t j = 0; j < dim; ++j) x[j] -= share * gradient[j];
  }
  const double seconds = MPI_Wtime() - begun;
  if (rank.number == 0)
    std::printf("{\"rounds\": %d, \"f\": %.6g, \"seconds\": %.3f}\n", rounds, f / rank.count, seconds);
  return seconds;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return std::fputs("usage: threepc_allreduce CONFIG ROUNDS STEPSIZE [KEY=VALUE...]\n", stderr), 2;
  MPI_Init(&argc, &argv);
  {
    const Rank rank;
    const RunConfig config = load_config(argv[1], {argv + 4, argv + argc});
    const Problem problem(
        config.problem,
        {config.dtype, 0, static_cast<std::uint32_t>(rank.count), static_cast<std::uint32_t>(rank.number), config.seed},
        problem_stream);
    train(problem, rank, std::atoi(argv[2]), static_cast<float>(std::atof(argv[3])));
  }
  MPI_Finalize();
  return 0;
}
