#include "config/faults.hpp"

#include <limits>

namespace threepc {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr Bounds a_while{0, 1e6, true};

constexpr const char* kinds[] = {"kill", "stop", "delay", "drop", "corrupt", "duplicate", "attack"};
constexpr const char* moments[] = {"receive", "send"};

constexpr const char* attacks[] = {"sign-flip", "large", "noise"};
constexpr double usual_sizes[] = {1, 100, 10};

void read_attack(Section& section, Injection& out) {
  out.attack = section.enumerator<Injection::Attack>("attack", attacks).value_or(out.attack);
  const double usual = usual_sizes[static_cast<std::size_t>(out.attack)];
  out.size = section.real("size", {0, 1e12, true}).value_or(usual);
}

Injection read_injection(Section section, std::uint32_t workers) {
  Injection out;
  const auto kind = section.enumerator<Injection::Kind>("kind", kinds);
  const auto worker = section.integer("worker", {Injection::the_server, workers - 1.0});
  const auto round = section.integer("round", {0, infinity});
  out.when = section.enumerator<Injection::When>("when", moments).value_or(out.when);
  out.seconds = section.real("seconds", a_while).value_or(out.seconds);
  if (kind == Injection::Kind::attack) read_attack(section, out);
  section.refuse_unknown();
  for (const auto& [key, given] :
       {std::pair{"kind", kind.has_value()}, {"worker", worker.has_value()}, {"round", round.has_value()}})
    if (!given) section.missing(key);
  out.kind = *kind;
  out.worker = *worker;
  out.round = static_cast<std::uint64_t>(*round);
  const bool of_messages = out.kind > Injection::Kind::delay;
  if (out.worker == Injection::the_server && of_messages)
    section.wrong(*section.take("kind"), "kind", "the server (worker = -1) can kill, stop or delay itself only");
  return out;
}

}  // namespace

std::vector<Injection> read_injections(Section& faults, std::uint32_t workers) {
  std::vector<Injection> out;
  for (const Section& injection : faults.children("inject")) out.push_back(read_injection(injection, workers));
  return out;
}

const char* name_of(Injection::Kind kind) { return kinds[static_cast<std::size_t>(kind)]; }
const char* name_of(Injection::Attack attack) { return attacks[static_cast<std::size_t>(attack)]; }
const char* name_of(Injection::When when) { return moments[static_cast<std::size_t>(when)]; }

}  // namespace threepc
