#include "members/messages.hpp"

#include <cstdio>
#include <threepc/sdk/bytes.hpp>

#include "hash.hpp"

namespace threepc {
namespace {

constexpr std::uint8_t facts_curvature = 1, facts_data = 2, facts_own = 4, facts_start = 8,
                       facts_parcels = 16;  // the flags of WorkerFacts

constexpr std::uint64_t largest_exchange = std::uint64_t{1} << 40;

/// A person reads no more than a screen.
std::string shortened(const std::string& text) {
  constexpr std::size_t longest = 2000;
  return text.size() > longest ? text.substr(0, longest) + "..." : text;
}

/// By form, then: update, both, evaluation.
constexpr MessageType questions[4][3] = {{MessageType::model, MessageType::model_evaluate, MessageType::evaluate},
                                         {MessageType::steps, MessageType::steps_evaluate, MessageType::evaluate_steps},
                                         {MessageType::state, MessageType::state_evaluate, MessageType::evaluate_state},
                                         {MessageType::mail, MessageType::mail_evaluate, MessageType::evaluate_mail}};

/// A version of a plugin may code its messages in another way.
void append_versions(const PluginSpec& spec, std::string& text) {
  text += spec.place + ".version = \"" + spec.descriptor->version + "\"\n";
  for (const PluginSpec& child : spec.children) append_versions(child, text);
}

}  // namespace

MessageType type_of(const Question& question) {
  return questions[static_cast<std::size_t>(question.form)]
                  [question.evaluation + (question.evaluation && !question.update)];
}

std::optional<Question> question_of(std::uint32_t type) {
  for (const Form form : {Form::model, Form::steps, Form::state, Form::mail})
    for (const auto& [update, evaluation] : {std::pair(true, false), std::pair(true, true), std::pair(false, true)})
      if (static_cast<std::uint32_t>(type_of({form, update, evaluation})) == type)
        return Question{form, update, evaluation};
  return std::nullopt;
}

bool update_is_gradient(const RunConfig& config, std::uint64_t round) {
  return round == 0 && config.init == Init::gradient && config.evaluate == Evaluate::exact && !config.batch &&
         config.momentum == 1;
}

std::string seconds_text(double seconds) {
  char text[32];
  std::snprintf(text, sizeof text, "%g s", seconds);
  return text;
}

void seal(Bytes& program, std::uint64_t round) { append(program, hash64(program.data(), program.size(), round)); }

std::optional<std::span<const std::uint8_t>> unseal(std::span<const std::uint8_t> update, std::uint64_t round) {
  if (update.size() < sizeof(std::uint64_t)) return std::nullopt;
  const auto program = update.first(update.size() - sizeof(std::uint64_t));
  const std::uint64_t said = tpc::Values<std::uint64_t>(update.data() + program.size())[0];
  if (hash64(program.data(), program.size(), round) != said) return std::nullopt;
  return program;
}

std::string agreement_text(const RunConfig& config) {
  std::string text;
  for (const std::string& line : agreement(config)) text += line + "\n";
  append_versions(config.mechanism, text);
  if (config.downlink.mechanism) append_versions(*config.downlink.mechanism, text);
  return text;
}

std::string member_name(std::uint32_t member) {
  return member == 0 ? "the server" : "worker " + std::to_string(tpc::worker_of_member(member));
}

Bytes to_failure_message(const Failure& failure) {
  Bytes out;
  append(out, static_cast<std::uint32_t>(failure.code()));
  const std::string text = failure.what();
  out.insert(out.end(), text.begin(), text.end());
  return out;
}

Failure from_failure_message(std::span<const std::uint8_t> bytes, const std::string& who) {
  std::uint32_t code = 0;
  if (bytes.size() >= sizeof code) std::memcpy(&code, bytes.data(), sizeof code);
  const bool known = code >= 1 && code <= 6;
  const std::string text =
      bytes.size() > sizeof code ? shortened(text_of(bytes.subspan(sizeof code))) : "gave no reason";
  return {known ? static_cast<Exit>(code) : Exit::peer, who + ": " + text};
}

Bytes to_bytes(const WorkerFacts& facts) {
  Bytes out;
  append(out, facts.dim);
  append(out, static_cast<std::uint8_t>((facts.has_curvature ? facts_curvature : 0) |
                                        (facts.data_digest != 0 ? facts_data : 0) | (facts.own_data ? facts_own : 0) |
                                        (facts.start_digest != 0 ? facts_start : 0) |
                                        (facts.longest_parcels != 0 ? facts_parcels : 0)));
  append(out, facts.L_i);
  append(out, facts.L_minus);
  append(out, facts.hessian_spread);
  append(out, static_cast<std::uint32_t>(facts.blocks.size()));
  for (const tpc::Block& block : facts.blocks) append(out, block.rows), append(out, block.columns);
  if (facts.data_digest != 0) append(out, facts.data_digest);
  if (facts.start_digest != 0) append(out, facts.start_digest);
  if (facts.longest_parcels != 0) append(out, facts.longest_parcels);
  return out;
}

WorkerFacts take_worker_facts(std::span<const std::uint8_t>& bytes) {
  try {
    tpc::Reader in(bytes.data(), bytes.size());
    WorkerFacts facts;
    facts.dim = in.get<std::uint32_t>();
    if (facts.dim == 0 || facts.dim == UINT32_MAX) throw tpc::Corrupt("d is not in 1 .. 2^32 - 2");
    const auto flags = in.get<std::uint8_t>();
    if (flags > (facts_curvature | facts_data | facts_own | facts_start | facts_parcels))
      throw tpc::Corrupt("unknown flags");
    facts.has_curvature = (flags & facts_curvature) != 0;
    facts.own_data = (flags & facts_own) != 0;
    facts.L_i = in.get<double>();
    facts.L_minus = in.get<double>();
    facts.hessian_spread = in.get<double>();
    std::uint64_t covered = 0;
    for (std::uint32_t left = in.get<std::uint32_t>(); left > 0; --left) {
      const tpc::Block block{in.get<std::uint32_t>(), in.get<std::uint32_t>()};
      covered += std::uint64_t{block.rows} * block.columns;
      // In every step, because sums of hostile products can come round to dim again.
      if (block.rows == 0 || block.columns == 0 || covered > facts.dim)
        throw tpc::Corrupt("a block is empty or reaches beyond the vector");
      facts.blocks.push_back(block);
    }
    if (!facts.blocks.empty() && covered != facts.dim) throw tpc::Corrupt("the blocks do not cover the vector");
    if ((flags & facts_data) != 0) facts.data_digest = in.get<std::uint64_t>();
    if ((flags & facts_data) != 0 && facts.data_digest == 0) throw tpc::Corrupt("a digest of nothing");
    if ((flags & facts_start) != 0) facts.start_digest = in.get<std::uint64_t>();
    if ((flags & facts_start) != 0 && facts.start_digest == 0) throw tpc::Corrupt("a digest of no x^0");
    if ((flags & facts_parcels) != 0) facts.longest_parcels = in.get<std::uint64_t>();
    if ((flags & facts_parcels) != 0 && facts.longest_parcels - 1 >= largest_exchange)
      throw tpc::Corrupt("parcels of 0, or of more than 2^40 bytes");
    bytes = in.take_rest();
    return facts;
  } catch (const tpc::Error& error) {
    throw Failure(Exit::peer, std::string("malformed message: facts: ") + error.what());
  }
}

}  // namespace threepc
