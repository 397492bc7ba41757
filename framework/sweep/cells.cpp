#include "sweep/cells.hpp"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <filesystem>
#include <set>

#include "failure.hpp"
#include "hash.hpp"

namespace threepc {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t most_cells = 100000;

/// The file's axes, in the file's place those that the case has of its own, then what only the case has.
std::vector<Axis> axes_of(const SweepFile& sweep, const Case& item) {
  std::vector<Axis> axes = sweep.grid;
  for (const Axis& own : item.grid) {
    const auto same = std::find_if(axes.begin(), axes.end(), [&](const Axis& axis) { return axis.key == own.key; });
    same == axes.end() ? axes.push_back(own) : void(*same = own);
  }
  return axes;
}

std::vector<std::string> all_axes(const SweepFile& sweep) {
  std::vector<std::string> names;
  for (const Case& item : sweep.cases)
    for (const Axis& axis : axes_of(sweep, item))
      if (std::find(names.begin(), names.end(), axis.key) == names.end()) names.push_back(axis.key);
  return names;
}

/// "multiplier" for "optimizer.multiplier", unless another axis ends so too.
std::string short_name(const std::string& key, const std::vector<std::string>& axes) {
  const auto last = [](const std::string& path) { return path.substr(path.rfind('.') + 1); };
  const auto same = [&](const std::string& other) { return last(other) == last(key); };
  return std::count_if(axes.begin(), axes.end(), same) == 1 ? last(key) : key;
}

constexpr std::size_t longest_name = 100;  // of one value; ten of them are within what file systems take

bool fits_a_name(unsigned char c) {
  return c >= 0x80 || std::isalnum(c) != 0 || std::string_view("-_.+~").find(static_cast<char>(c)) != std::string::npos;
}

std::string cut(std::string text, std::size_t size) {
  while (size < text.size() && size > 0 && (static_cast<unsigned char>(text[size]) & 0xc0) == 0x80) --size;  // UTF-8
  return text.substr(0, size);
}

/// "~1f3a9c": tells names apart that look alike once they are fit for a folder.
std::string fingerprint(const std::string& text) {
  char digits[16];
  std::snprintf(digits, sizeof digits, "~%06llx",
                static_cast<unsigned long long>(hash64(text.data(), text.size()) & 0xffffff));
  return digits;
}

/// Fit for a folder's name: itself, or what of it fits and a fingerprint of the whole.
std::string plain(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (fits_a_name(static_cast<unsigned char>(c)))
      out += c;
    else if (!out.empty() && out.back() != '_')
      out += '_';
  }
  if (out == text && out.size() <= longest_name && !text.starts_with('.')) return text;
  if (out.ends_with('_')) out.pop_back();
  return (text.starts_with('.') ? "_" : "") + cut(out, longest_name) + fingerprint(text);
}

/// Several values in one name, which no file system takes longer than 255 bytes.
std::string shortened(const std::string& name) {
  return name.size() <= 240 ? name : cut(name, 230) + fingerprint(name);
}

void refuse_override_of_axis(const std::vector<std::string>& overrides, const std::vector<std::string>& axes) {
  for (const std::string& text : overrides) {
    const std::string key = text.substr(0, text.find('='));
    for (const std::string& axis : axes)
      if (axis == key || axis.starts_with(key + "."))
        throw Failure(Exit::usage, "--set " + excerpt(text) + ": '" + axis +
                                       "' is an axis of this sweep; change its values in the sweep file");
  }
}

std::optional<double> tolerance_sq(const StopRules& stop) {
  if (stop.grad_norm_sq) return stop.grad_norm_sq;
  return stop.grad_norm ? std::optional(*stop.grad_norm * *stop.grad_norm) : std::nullopt;
}

/// Before anything is loaded, because loading so many would take long.
void refuse_too_many(const SweepFile& sweep) {
  std::size_t total = 0;
  for (const Case& item : sweep.cases) {
    std::size_t cells = 1;
    for (const Axis& axis : axes_of(sweep, item))
      if ((cells *= axis.values.size()) > most_cells) break;
    total += cells;
  }
  if (total > most_cells)
    throw Failure(Exit::usage, sweep.file + ": the grid has more than 100000 cells; shorten an axis");
}

/// Cells are many, and seldom gone on with: unless somebody says so they leave no checkpoint at their end.
bool decides_what_is_left(const Node& document) {
  const auto at = document.table()->find("checkpoint");
  const Node::Table* const rules = at == document.table()->end() ? nullptr : at->second.table();
  return rules != nullptr && rules->contains("at_end");
}

class Expansion {
 public:
  Expansion(const SweepFile& sweep, const std::vector<std::string>& overrides, const std::string& out)
      : sweep_(sweep), overrides_(overrides), out_(out) {
    cells_.axes = all_axes(sweep);
    refuse_override_of_axis(overrides, cells_.axes);
    refuse_too_many(sweep);
  }

  Cells all() {
    for (const Case& item : sweep_.cases) {
      case_ = &item;
      axes_ = axes_of(sweep_, item);
      Node document = sweep_.base;
      merge(document, item.settings);
      std::vector<const Node*> chosen;
      descend(document, chosen);
    }
    return std::move(cells_);
  }

 private:
  /// One axis after the other; at the last, `chosen` is a cell.
  void descend(const Node& document, std::vector<const Node*>& chosen) {
    if (chosen.size() == axes_.size()) return add(document, chosen);
    const Axis& axis = axes_[chosen.size()];
    for (const Node& value : axis.values) {
      Node next = document;
      set_at(next, axis.key, value);
      chosen.push_back(&value);
      descend(next, chosen);
      chosen.pop_back();
    }
  }

  void add(Node document, const std::vector<const Node*>& chosen) {
    if (!decides_what_is_left(document)) override_document(document, {"checkpoint.at_end=false"});
    override_document(document, overrides_);
    Cell cell;
    cell.case_name = case_->name;
    std::string coordinates;
    for (std::size_t i = 0; i < axes_.size(); ++i) {
      cell.point[axes_[i].key] = label(*chosen[i]);
      coordinates +=
          (i == 0 ? "" : ",") + plain(short_name(axes_[i].key, cells_.axes)) + "=" + plain(label(*chosen[i]));
    }
    cell.name = plain(cell.case_name);
    if (!coordinates.empty()) cell.name += (cell.name.empty() ? "" : "/") + shortened(coordinates);
    if (cell.name.empty()) cell.name = "only";
    check(cell, chosen);
    cell.folder = (fs::absolute(out_) / "cells" / cell.name).lexically_normal().string();
    const RunConfig config = load_config(document, sweep_.base_file, cell.folder);
    cell.tolerance_sq = tolerance_sq(config.stop);
    cell.config = to_toml(config);
    cells_.cells.push_back(std::move(cell));
  }

  void check(const Cell& cell, const std::vector<const Node*>& chosen) {
    const std::string place = chosen.empty() ? sweep_.file : chosen.back()->origin;
    if (!names_.insert(cell.name).second)
      throw Failure(Exit::usage,
                    place + ": two cells are called " + cell.name + "; an axis repeats a value, or two look alike");
    if (names_.size() > most_cells) throw Failure(Exit::usage, place + ": more than 100000 cells; shorten an axis");
  }

  const SweepFile& sweep_;
  const std::vector<std::string>& overrides_;
  const std::string& out_;
  const Case* case_ = nullptr;
  std::vector<Axis> axes_;
  std::set<std::string> names_;
  Cells cells_;
};

}  // namespace

Cells expand(const SweepFile& sweep, const std::vector<std::string>& overrides, const std::string& out) {
  return Expansion(sweep, overrides, out).all();
}

}  // namespace threepc
