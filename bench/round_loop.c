/* The yardstick: EF21 with Top-10 on 100 quadratics of 1000 coordinates as one loop written by hand, without
 * plugins, messages, checks or a second thread. `threepc run round_loop.toml` computes the same.
 *
 *   round_loop [ROUNDS [SCALARS.json]]
 *
 * writes the problem's scalars to SCALARS.json, so that threepc can run on the very same functions, and prints
 * one JSON object; f and grad_norm_sq are those after the last round and should agree with threepc's. */
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { workers = 100, dim = 1000, top = 10 };

static const double pi = 3.14159265358979323846;
static const double lambda = 1e-6; /* smallest eigenvalue of the mean Hessian */
static const double spread = 0.8;  /* how much the workers differ */

/* f_i(x) = x'A_i x / 2 - pull x_1 with A_i = stiffness tridiag(-1, 2, -1) + shift I */
static double nu_s[workers], nu_b[workers], stiffness[workers], pull[workers], shift;
static double x[dim], g[dim], gap[dim], h[workers][dim];

struct kept {
  double magnitude;
  int index;
};

static double uniform(void) {
  static uint64_t state = 42;
  uint64_t z = (state += UINT64_C(0x9E3779B97F4A7C15)); /* splitmix64 */
  z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
  return (double)((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

static double normal(void) {
  const double radius = sqrt(-2 * log(1 - uniform()));
  return radius * cos(2 * pi * uniform());
}

/* The extreme eigenvalues of tridiag(-1, 2, -1) */
static double smallest_of_T(void) { return 4 * pow(sin(pi / (2.0 * (dim + 1))), 2); }
static double largest_of_T(void) { return 4 * pow(cos(pi / (2.0 * (dim + 1))), 2); }

static void generate(void) {
  double total = 0;
  for (int i = 0; i < workers; ++i) {
    nu_s[i] = 1 + spread * normal();
    nu_b[i] = spread * normal();
    stiffness[i] = nu_s[i] / 4;
    pull[i] = stiffness[i] * (nu_b[i] - 1);
    total += stiffness[i];
  }
  shift = lambda - total / workers * smallest_of_T();
  memset(x, 0, sizeof x);
  x[0] = sqrt(dim);
}

static double norm_of_A(double stiff) {
  return fmax(fabs(stiff * smallest_of_T() + shift), fabs(stiff * largest_of_T() + shift));
}

/* 1 / (L_minus + L_plus sqrt(B / A)), the step size that EF21's theory allows */
static double theory_stepsize(void) {
  double total = 0, squares = 0;
  for (int i = 0; i < workers; ++i) {
    total += stiffness[i];
    squares += norm_of_A(stiffness[i]) * norm_of_A(stiffness[i]);
  }
  const double alpha = (double)top / dim;
  const double A = 1 - sqrt(1 - alpha);
  const double B = (1 - alpha) / A;
  return 1 / (norm_of_A(total / workers) + sqrt(squares / workers) * sqrt(B / A));
}

static int write_scalars(const char* path) {
  FILE* file = fopen(path, "w");
  if (file == NULL) return 0;
  fprintf(file, "{\"d\": %d, \"shift\": %.17g,\n \"nu_s\": [", dim, shift);
  for (int i = 0; i < workers; ++i) fprintf(file, "%s%.17g", i ? ", " : "", nu_s[i]);
  fprintf(file, "],\n \"nu_b\": [");
  for (int i = 0; i < workers; ++i) fprintf(file, "%s%.17g", i ? ", " : "", nu_b[i]);
  fprintf(file, "]}\n");
  return fclose(file) == 0;
}

/* out = grad f_i(x) - base */
static void gradient_gap(int i, const double* restrict base, double* restrict out) {
  const double stiff = stiffness[i];
  for (int j = 1; j < dim - 1; ++j) out[j] = stiff * ((x[j] - x[j - 1]) - (x[j + 1] - x[j])) + shift * x[j] - base[j];
  out[0] = stiff * (x[0] - (x[1] - x[0])) + shift * x[0] - pull[i] - base[0];
  out[dim - 1] = stiff * ((x[dim - 1] - x[dim - 2]) + x[dim - 1]) + shift * x[dim - 1] - base[dim - 1];
}

/* Puts |v[j]| into best[0 .. last], which is sorted and loses its last entry. */
static void insert(struct kept* best, int last, double magnitude, int j) {
  int at = last;
  for (; at > 0 && magnitude > best[at - 1].magnitude; --at) best[at] = best[at - 1];
  best[at].magnitude = magnitude;
  best[at].index = j;
}

/* The `top` largest magnitudes of v; of two that are equal, the lower index. */
static void select_top(const double* v, struct kept* best) {
  for (int j = 0; j < top; ++j) insert(best, j, fabs(v[j]), j);
  double threshold = best[top - 1].magnitude;
  for (int j = top; j < dim; ++j) {
    if (!(fabs(v[j]) > threshold)) continue;
    insert(best, top - 1, fabs(v[j]), j);
    threshold = best[top - 1].magnitude;
  }
}

static void start(void) {
  static const double zero[dim];
  memset(g, 0, sizeof g);
  for (int i = 0; i < workers; ++i) {
    gradient_gap(i, zero, h[i]);
    for (int j = 0; j < dim; ++j) g[j] += h[i][j] / workers;
  }
}

static void one_round(double gamma) {
  struct kept best[top];
  for (int j = 0; j < dim; ++j) x[j] -= gamma * g[j];
  for (int i = 0; i < workers; ++i) {
    gradient_gap(i, h[i], gap);
    select_top(gap, best);
    for (int k = 0; k < top; ++k) {
      const int j = best[k].index;
      h[i][j] += gap[j];
      g[j] += gap[j] / workers;
    }
  }
}

/* f and ||grad f||^2 at x, where f is the mean of all f_i */
static void evaluate(double* f, double* grad_norm_sq) {
  static const double zero[dim];
  double gradient[dim] = {0}, pulled = 0;
  for (int i = 0; i < workers; ++i) {
    gradient_gap(i, zero, gap);
    for (int j = 0; j < dim; ++j) gradient[j] += gap[j] / workers;
    pulled += pull[i] / workers;
  }
  *f = -pulled * x[0] / 2; /* f = x'(grad f(x) - b) / 2 for grad f(x) = Ax - b */
  *grad_norm_sq = 0;
  for (int j = 0; j < dim; ++j) {
    *f += gradient[j] * x[j] / 2;
    *grad_norm_sq += gradient[j] * gradient[j];
  }
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

int main(int argc, char** argv) {
  const long rounds = argc > 1 ? strtol(argv[1], NULL, 10) : 20000;
  generate();
  if (rounds < 1 || (argc > 2 && !write_scalars(argv[2]))) {
    fprintf(stderr, "usage: %s [ROUNDS [SCALARS.json]], ROUNDS at least 1 and the file writable\n", argv[0]);
    return 2;
  }
  const double gamma = theory_stepsize();
  const double begin = now();
  start();
  for (long t = 0; t < rounds; ++t) one_round(gamma);
  const double seconds = now() - begin;
  double f, grad_norm_sq;
  evaluate(&f, &grad_norm_sq);
  printf("{\"rounds\": %ld, \"seconds\": %.6f, \"rounds_per_second\": %.1f, \"f\": %.17g, \"grad_norm_sq\": %.17g}\n",
         rounds, seconds, (double)rounds / seconds, f, grad_norm_sq);
  return 0;
}
