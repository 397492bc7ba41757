#include "config/handover.hpp"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <utility>

#include "config/document.hpp"
#include "failure.hpp"

namespace threepc {
namespace {

constexpr const char* table_of_origins = "origins";
using Origins = std::map<std::string, std::string>;  // "problem.data" -> "run.toml:8:8"

/// PluginSpec::origin ends with the place, for messages.
void collect(const PluginSpec& spec, Origins& out) {
  for (const auto& [key, origin] : spec.origin) {
    const std::string place = spec.place + "." + key;
    out[place] = origin.substr(0, origin.rfind(": " + place));
  }
  for (const PluginSpec& child : spec.children) collect(child, out);
}

/// Takes the table out of the document.
Origins take_origins(Node& document) {
  Origins out;
  auto& tables = std::get<Node::Table>(document.value);
  const auto at = tables.find(table_of_origins);
  if (at == tables.end()) return out;
  for (const auto& [place, origin] : *at->second.table()) out[place] = std::get<std::string>(origin.value);
  tables.erase(at);
  return out;
}

/// Names where the user wrote each value; the file alone for what nobody wrote.
void restore_origins(Node& node, const std::string& place, const Origins& origins, const std::string& file) {
  const auto known = origins.find(place);
  node.origin = known == origins.end() ? file : known->second;
  if (auto* table = std::get_if<Node::Table>(&node.value))
    for (auto& [key, child] : *table) restore_origins(child, place.empty() ? key : place + "." + key, origins, file);
  if (auto* items = std::get_if<Node::Array>(&node.value))
    for (std::size_t i = 0; i < items->size(); ++i)
      restore_origins((*items)[i], place + "[" + std::to_string(i) + "]", origins, file);
}

/// From the start, because others that were started read the same file.
std::string contents(int descriptor) {
  std::string text;
  std::array<char, 1 << 14> piece{};
  for (ssize_t got = 0; (got = pread(descriptor, piece.data(), piece.size(), static_cast<off_t>(text.size()))) != 0;) {
    if (got < 0 && errno == EINTR) continue;
    if (got < 0)
      throw Failure(Exit::usage, "--descriptor " + std::to_string(descriptor) + ": cannot be read: " +
                                     std::strerror(errno) + "; it is for workers that threepc run starts");
    text.append(piece.data(), static_cast<std::size_t>(got));
  }
  return text;
}

}  // namespace

std::string hand_over(const RunConfig& config) {
  Origins origins;
  for (const PluginSpec* spec : {&config.problem, &config.mechanism, &config.optimizer, &config.transport})
    collect(*spec, origins);
  std::string text = to_toml(config) + "\n[" + table_of_origins + "]\n";
  for (const auto& [place, origin] : origins) text += to_toml_text(place) + " = " + to_toml_text(origin) + "\n";
  return text;
}

RunConfig take_over(int descriptor, const std::string& file) {
  Node document = parse_document(contents(descriptor), file);
  const Origins origins = take_origins(document);
  restore_origins(document, "", origins, file);
  return load_config(document, file, "");
}

}  // namespace threepc
