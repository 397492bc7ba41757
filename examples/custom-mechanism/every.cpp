// A mechanism (three point compressor) that lives outside the threepc tree.
#include <threepc/sdk.hpp>

namespace {

struct EveryOptions {
  std::int64_t m = 4;
};

/// Sends C(x - h) in every m-th round and is silent in between: h <- h + C(x - h), or h <- h. The state that the
/// server keeps of a silent worker is simply old. No A and B are known for it, so the step size is a number.
template <class T>
class Every {
 public:
  static constexpr tpc::About about = {
      .id = "every", .version = "1.0.0", .summary = "EF21 in every m-th round, nothing in between."};
  static constexpr auto params = tpc::params(
      tpc::param<&EveryOptions::m>("m", "rounds from one message to the next", {.unit = "rounds", .minimum = 1}));
  static constexpr std::array slots = {
      tpc::compressor_slot("compressor", tpc::Accepts::contractive, "compresses the difference x - h")};

  Every(const EveryOptions& options, const tpc::Setup&) : m_(static_cast<std::uint64_t>(options.m)) {}

  tpc::Constants constants(std::span<const tpc::Constants>) const { return {}; }

  void propose(const tpc::Context& context, const tpc::Points<T>& p, tpc::Program<T>& program) const {
    if (context.round() % m_ == 0) program.add(0, p.x, p.h);
  }

 private:
  std::uint64_t m_;
};

}  // namespace

THREEPC_PLUGINS(tpc::mechanism<Every>);
