#include "cli/plugins.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <sstream>

#include "config/document.hpp"
#include "nearest.hpp"
#include "plugin/catalog.hpp"
#include "plugin/spec.hpp"

namespace threepc::cli {
namespace {

constexpr tpc_kind kinds[] = {TPC_COMPRESSOR, TPC_MECHANISM, TPC_OPTIMIZER, TPC_PROBLEM, TPC_TRANSPORT};

std::size_t terminal_width() {
  winsize size{};
  const bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 40;
  return known ? std::min<std::size_t>(size.ws_col, 120) : 100;
}

/// `text` broken at spaces, every line after the first indented.
std::string wrapped(const std::string& text, std::size_t indent) {
  const std::size_t width = terminal_width();
  std::string out;
  std::size_t column = indent;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    if (column > indent && column + 1 + word.size() > width) {
      out += "\n" + std::string(indent, ' ');
      column = indent;
    } else if (column > indent) {
      out += " ";
      ++column;
    }
    out += word;
    column += word.size();
  }
  return out;
}

std::string number(double value) {
  std::ostringstream out;
  out << value;
  return out.str();
}

std::string type_of(const tpc_param& param) {
  static constexpr const char* names[] = {"", "true or false", "integer", "real", "string", "path"};
  std::string text = names[param.type];
  if (*param.unit != '\0') text += std::string(", ") + param.unit;
  return text;
}

std::string range_of(const tpc_param& param) {
  if (param.choice_count > 0) {
    std::string text;
    for (std::uint32_t i = 0; i < param.choice_count; ++i)
      text += (i == 0 ? "" : " | ") + std::string(param.choices[i]);
    return text;
  }
  const bool open = (param.flags & TPC_PARAM_OPEN_MINIMUM) != 0;
  std::string text;
  if (std::isfinite(param.minimum)) text = (open ? "above " : "at least ") + number(param.minimum);
  if (std::isfinite(param.maximum))
    text += (text.empty() ? "" : ", ") + std::string("at most ") + number(param.maximum);
  return text;
}

std::string preset_of(const tpc_param& param) {
  if ((param.flags & TPC_PARAM_REQUIRED) != 0) return "required";
  if ((param.flags & TPC_PARAM_HAS_DEFAULT) == 0) return "optional";
  switch (param.type) {
    case TPC_BOOL:
      return param.preset.integer != 0 ? "default true" : "default false";
    case TPC_INTEGER:
      return "default " + std::to_string(param.preset.integer);
    case TPC_REAL:
      return "default " + number(param.preset.real);
    default:
      return "default \"" + std::string(param.preset.string) + "\"";
  }
}

void show_params(const tpc_descriptor& d) {
  std::puts(d.param_count == 0 ? "  parameters   none" : "  parameters");
  for (std::uint32_t i = 0; i < d.param_count; ++i) {
    const tpc_param& param = *d.params[i];
    std::string facts = type_of(param) + "; " + preset_of(param);
    if (const std::string range = range_of(param); !range.empty()) facts += "; " + range;
    std::printf("    %-10s %s\n               %s\n", param.key, wrapped(param.doc, 15).c_str(), facts.c_str());
  }
}

void show_slots(const tpc_descriptor& d) {
  static constexpr const char* classes[] = {"a", "a contractive", "an unbiased"};
  if (d.slot_count > 0) std::puts("  takes");
  for (std::uint32_t i = 0; i < d.slot_count; ++i) {
    const tpc_slot& slot = *d.slots[i];
    std::printf("    %-10s %s %s: %s\n", slot.key, classes[slot.accepts], kind_name(slot.kind),
                wrapped(slot.doc, 15).c_str());
  }
}

void show(const Entry& entry) {
  const tpc_descriptor& d = *entry.descriptor;
  std::printf("%s %s %s\n  %s\n", kind_name(d.kind), d.id, d.version, wrapped(d.summary, 2).c_str());
  if (*d.paper != '\0') std::printf("  paper        %s\n", wrapped(d.paper, 15).c_str());
  std::printf("  file         %s\n", entry.file.c_str());
  std::printf("  dtypes      %s%s\n", (d.dtypes & TPC_F32) != 0 ? " f32" : "", (d.dtypes & TPC_F64) != 0 ? " f64" : "");
  show_params(d);
  show_slots(d);
}

Catalog open_catalog(const std::vector<std::string>& folders) { return Catalog(Catalog::search_path(folders)); }

}  // namespace

Exit list_plugins(const std::vector<std::string>& folders) {
  const Catalog catalog = open_catalog(folders);
  for (const tpc_kind kind : kinds) {
    std::printf("%s%ss\n", kind == kinds[0] ? "" : "\n", kind_name(kind));
    for (const Entry& entry : catalog.entries())
      if (entry.descriptor->kind == kind)
        std::printf("  %-10s %-7s %s\n", entry.descriptor->id, entry.descriptor->version,
                    wrapped(entry.descriptor->summary, 21).c_str());
  }
  std::fflush(stdout);
  for (const Rejected& file : catalog.rejected()) std::fprintf(stderr, "\nnot usable: %s\n", file.reason.c_str());
  return Exit::done;
}

Exit show_plugin(const std::string& id, const std::vector<std::string>& folders) {
  const Catalog catalog = open_catalog(folders);
  std::vector<std::string> known;
  bool found = false;
  for (const Entry& entry : catalog.entries()) {
    known.emplace_back(entry.descriptor->id);
    if (id != entry.descriptor->id) continue;
    if (found) std::puts("");
    show(entry);
    found = true;
  }
  if (!found)
    throw Failure(Exit::usage,
                  "there is no plugin '" + id + "'" + suggestion(id, known) + "; available: " + listed(known));
  return Exit::done;
}

}  // namespace threepc::cli
