// Problems as the host makes them: loaded from the built plugins, called through the boundary.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "plugin/instances.hpp"
#include "plugin/library.hpp"
#include "plugin/spec.hpp"

namespace problems_test {

using Values = std::map<std::string, threepc::Value>;
using Vector = std::vector<double>;

/// The plugin in LIBRARY.so with `given` values and the defaults of the rest.
inline threepc::PluginSpec make_spec(const std::string& library, const Values& given) {
  const threepc::Library loaded = threepc::load_library(THREEPC_TEST_PLUGINS "/" + library + ".so");
  threepc::PluginSpec spec;
  spec.descriptor = loaded.descriptors.at(0);
  spec.file = loaded.file;
  spec.place = "problem";
  for (std::uint32_t i = 0; i < spec.descriptor->param_count; ++i) {
    const tpc_param& param = *spec.descriptor->params[i];
    const auto at = given.find(param.key);
    spec.values.push_back(at != given.end() ? std::optional(at->second) : threepc::preset_of(param));
  }
  return spec;
}

/// Worker `worker` of `workers` of a problem. Vectors are of doubles whatever the dtype; they are converted.
class Worker {
 public:
  Worker(const std::string& library, const Values& given, std::uint32_t workers, std::uint32_t worker,
         tpc_dtype dtype = TPC_F64)
      : spec_(make_spec(library, given)), problem_(spec_, {dtype, 0, workers, worker, 1}, 0), worker_(worker) {}

  tpc_problem_facts facts() const { return problem_.facts(); }
  std::size_t dim() const { return facts().dim; }
  const threepc::Problem& problem() const { return problem_; }

  Vector start() const {
    return as_run([&](auto& x) { problem_.start(x.data()); });
  }
  double value(const Vector& x) const {
    double f = 0;
    with_x(x, [&](const void* raw) { problem_.evaluate(context(), raw, &f, nullptr); });
    return f;
  }
  Vector gradient(const Vector& x) const {
    return as_run(
        [&](auto& g) { with_x(x, [&](const void* raw) { problem_.evaluate(context(), raw, nullptr, g.data()); }); });
  }
  Vector gradient_of_rows(const Vector& x, const std::vector<std::uint64_t>& rows) const {
    return as_run(
        [&](auto& g) { with_x(x, [&](const void* raw) { problem_.evaluate_rows(context(), raw, rows, g.data()); }); });
  }
  Vector curvature(const Vector& v) const {
    Vector out(v.size());
    problem_.curvature(v.data(), out.data());
    return out;
  }

 private:
  tpc_context context() const { return problem_.context(0, worker_, NAN); }
  bool single() const { return problem_.membership().dtype == TPC_F32; }

  template <class Fill>
  Vector as_run(Fill fill) const {
    if (!single()) {
      Vector out(dim());
      fill(out);
      return out;
    }
    std::vector<float> out(dim());
    fill(out);
    return Vector(out.begin(), out.end());
  }
  template <class Use>
  void with_x(const Vector& x, Use use) const {
    if (!single()) return use(x.data());
    const std::vector<float> narrow(x.begin(), x.end());
    use(narrow.data());
  }

  threepc::PluginSpec spec_;
  threepc::Problem problem_;
  std::uint32_t worker_;
};

inline double dot(const Vector& a, const Vector& b) {
  double sum = 0;
  for (std::size_t j = 0; j < a.size(); ++j) sum += a[j] * b[j];
  return sum;
}

/// |a - b| <= tolerance * max(|a|, |b|)
inline testing::AssertionResult close(double a, double b, double tolerance) {
  if (std::abs(a - b) <= tolerance * std::max(std::abs(a), std::abs(b))) return testing::AssertionSuccess();
  return testing::AssertionFailure() << a << " and " << b << " differ by more than " << tolerance << " relative";
}

/// A point with entries of both signs and various sizes.
inline Vector wavy(std::size_t d, double scale = 1) {
  Vector x(d);
  for (std::size_t j = 0; j < d; ++j) x[j] = scale * std::sin(1.7 * static_cast<double>(j) + 0.3);
  return x;
}

/// The gradient against central differences of the value, coordinate by coordinate.
inline void expect_gradient_matches_value(const Worker& worker, const Vector& x, double step, double tolerance) {
  const Vector g = worker.gradient(x);
  for (std::size_t j = 0; j < x.size(); ++j) {
    Vector up = x, down = x;
    up[j] += step, down[j] -= step;
    EXPECT_NEAR(g[j], (worker.value(up) - worker.value(down)) / (2 * step), tolerance) << "coordinate " << j;
  }
}

/// ||H|| of a symmetric operator, by power iteration. It starts without a symmetry, because a vector of ones is
/// orthogonal to every odd eigenvector.
template <class Apply>
double operator_norm(std::size_t d, Apply apply, int iterations = 5000) {
  Vector v = wavy(d);
  double norm = 0;
  for (int k = 0; k < iterations; ++k) {
    const Vector next = apply(v);
    norm = std::sqrt(dot(next, next));
    for (std::size_t j = 0; j < d; ++j) v[j] = next[j] / norm;
  }
  return norm;
}

/// A file in the test's temporary folder, removed at the end of the test.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& content) : name_(testing::TempDir() + unique()) {
    std::ofstream(name_, std::ios::binary) << content;
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() { std::remove(name_.c_str()); }
  const std::string& name() const { return name_; }

 private:
  static std::string unique() {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    static int count = 0;
    std::string name = std::string(test->test_suite_name()) + "-" + test->name() + "-" + std::to_string(count++);
    for (char& c : name)
      if (c == '/') c = '-';
    return name;
  }
  std::string name_;
};

/// What making a worker fails with: the text without the file's name, and the exit code.
struct Refusal {
  std::string text;
  threepc::Exit code;
};

inline Refusal refusal(const std::string& library, const Values& given, const std::string& file,
                       std::uint32_t workers = 1) {
  try {
    Worker(library, given, workers, 0);
  } catch (const threepc::Failure& failure) {
    std::string text = failure.what();
    if (const auto at = text.find(file); !file.empty() && at != text.npos) text.replace(at, file.size(), "FILE");
    return {text, failure.code()};
  }
  return {"accepted", threepc::Exit::done};
}

}  // namespace problems_test
