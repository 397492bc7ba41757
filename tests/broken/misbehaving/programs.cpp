// Mechanisms that misuse the program they are handed, and a problem and a compressor with impossible answers.
#include <array>

#include "sound.hpp"

namespace {

using tpc::Program;

constexpr tpc_slot a_compressor = tpc::compressor_slot("compressor", tpc::Accepts::any, "anything");

/// Without theory; a case writes `propose`.
struct NoTheory {
  static constexpr auto params = tpc::params();
  NoTheory(const tpc::NoOptions&, const tpc::Setup&) {}
  tpc::Constants constants(std::span<const tpc::Constants>) const { return {}; }
};

template <class T>
struct UndeclaredReset : NoTheory {
  static constexpr tpc::About about = {
      .id = "undeclared-reset", .version = "1.0.0", .summary = "Resets h without the capability."};
  using NoTheory::NoTheory;
  void propose(const tpc::Context&, const tpc::Points<T>& p, Program<T>& program) { program.reset(tpc::dense, p.x); }
};

template <class T>
struct MissingSlot : NoTheory {
  static constexpr tpc::About about = {.id = "missing-slot", .version = "1.0.0", .summary = "Uses slot 3 of 1."};
  static constexpr std::array slots = {a_compressor};
  using NoTheory::NoTheory;
  void propose(const tpc::Context&, const tpc::Points<T>& p, Program<T>& program) { program.add(3, p.x); }
};

template <class T>
struct RunsCompressor : NoTheory {
  static constexpr tpc::About about = {
      .id = "runs-compressor", .version = "1.0.0", .summary = "Runs a compressor as if it were a mechanism."};
  static constexpr std::array slots = {a_compressor};
  using NoTheory::NoTheory;
  void propose(const tpc::Context&, const tpc::Points<T>&, Program<T>& program) { program.run(0); }
};

template <class T>
struct WrongLength : NoTheory {
  static constexpr tpc::About about = {
      .id = "wrong-length", .version = "1.0.0", .summary = "Adds a vector that is too short."};
  using NoTheory::NoTheory;
  void propose(const tpc::Context&, const tpc::Points<T>& p, Program<T>& program) {
    program.add(tpc::dense, p.x.first(p.x.size() - 1));
  }
};

template <class T>
struct Endless : NoTheory {
  static constexpr tpc::About about = {.id = "endless", .version = "1.0.0", .summary = "Adds x, and x, and x ..."};
  using NoTheory::NoTheory;
  void propose(const tpc::Context&, const tpc::Points<T>& p, Program<T>& program) {
    for (;;) program.add(tpc::dense, p.x);
  }
};

template <class T>
struct NotANumber : broken::Sound<T> {
  static constexpr tpc::About about = {
      .id = "not-a-number", .version = "1.0.0", .summary = "Answers finite input with NaN."};
  using broken::Sound<T>::Sound;
  void encode(const tpc::Context&, std::span<const T> v, tpc::Writer& out) const {
    for (std::size_t i = 0; i < v.size(); ++i) out.put(std::numeric_limits<T>::quiet_NaN());
  }
};

/// Sound; the case calls it with the raw table below.
template <class T>
struct Swallower : NoTheory {
  static constexpr tpc::About about = {
      .id = "swallowed-status", .version = "1.0.0", .summary = "Ignores that an operation failed."};
  static constexpr std::array slots = {a_compressor};
  using NoTheory::NoTheory;
  void propose(const tpc::Context&, const tpc::Points<T>&, Program<T>&) {}
};

template <class Spoil>
constexpr tpc_mechanism spoilt_mechanism(Spoil spoil) {
  tpc_mechanism table = tpc::detail::MechanismTable<Swallower>::table;
  spoil(table);
  return table;
}

constexpr tpc_descriptor mechanism(const char* id, const tpc_mechanism& table) {
  tpc_descriptor descriptor = tpc::mechanism<Swallower>;
  descriptor.id = id;
  descriptor.table = &table;
  return descriptor;
}

constexpr tpc_mechanism swallower_table = spoilt_mechanism([](tpc_mechanism& t) {
  t.propose = [](void*, const tpc_context*, const tpc_points* points, tpc_program* program, tpc_error*) -> tpc_status {
    program->add(program, 17, points->x, nullptr);
    return TPC_OK;
  };
});
constexpr auto swallowed_status = mechanism("swallowed-status", swallower_table);

constexpr tpc_mechanism null_vector_table = spoilt_mechanism([](tpc_mechanism& t) {
  t.propose = [](void*, const tpc_context*, const tpc_points*, tpc_program* program, tpc_error*) -> tpc_status {
    return program->add(program, TPC_DENSE, nullptr, nullptr);
  };
});
constexpr auto null_vector = mechanism("null-vector", null_vector_table);

template <class T>
struct Problem {
  static constexpr auto params = tpc::params();
  Problem(const tpc::NoOptions&, const tpc::Setup&) {}
  void start(std::span<T>) const {}
  double evaluate(const tpc::Context&, std::span<const T>, std::span<T>, bool) { return 0; }
};

template <class T>
struct NoDimension : Problem<T> {
  static constexpr tpc::About about = {.id = "no-dimension", .version = "1.0.0", .summary = "d = 0."};
  using Problem<T>::Problem;
  tpc::Facts facts() const { return {.dim = 0}; }
};

template <class T>
struct NegativeSmoothness : Problem<T> {
  static constexpr tpc::About about = {.id = "negative-smoothness", .version = "1.0.0", .summary = "L_i = -1."};
  using Problem<T>::Problem;
  tpc::Facts facts() const { return {.dim = 3, .L_i = -1}; }
};

}  // namespace

THREEPC_PLUGINS(tpc::mechanism<Endless>, tpc::mechanism<UndeclaredReset>, tpc::mechanism<MissingSlot>,
                tpc::mechanism<RunsCompressor>, tpc::mechanism<WrongLength>, swallowed_status, null_vector,
                tpc::compressor<NotANumber>, tpc::problem<NoDimension>, tpc::problem<NegativeSmoothness>);
