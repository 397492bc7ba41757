#include "cli/keys.hpp"

#include <algorithm>
#include <cstdio>
#include <vector>

#include "cli/wrapped.hpp"
#include "config/keys.hpp"
#include "nearest.hpp"

namespace threepc::cli {
namespace {

/// Without what only a browser shows: `code`, [links](to pages), \"strings\".
std::string plain(const std::string& markdown) {
  std::string out;
  for (std::size_t i = 0; i < markdown.size(); ++i) {
    if (markdown.compare(i, 2, "](") == 0)
      i = markdown.find(')', i);
    else if (markdown[i] != '`' && markdown[i] != '[')
      out += markdown[i];
  }
  return out;
}

void require_table(const std::string& table) {
  std::vector<std::string> known;
  for (const HostKey& key : host_keys())
    if (known.empty() || known.back() != key.table) known.emplace_back(key.table);
  if (!table.empty() && std::find(known.begin(), known.end(), table) == known.end())
    throw Failure(Exit::usage, "'" + table + "' is no table in which threepc itself has keys" +
                                   suggestion(table, known) + "; known: " + listed(known) +
                                   "; those of a plugin: threepc plugins info NAME");
}

}  // namespace

Exit list_keys(const std::string& table, bool markdown) {
  require_table(table);
  if (markdown) {
    std::fputs(host_keys_markdown().c_str(), stdout);
    return Exit::done;
  }
  std::string open;
  for (const HostKey& key : host_keys()) {
    if (!table.empty() && table != key.table) continue;
    if (open != key.table) std::printf("%s[%s]\n", open.empty() ? "" : "\n", key.table);
    open = key.table;
    std::printf("  %s = %s\n      %s\n", key.name, plain(preset_text(key)).c_str(),
                wrapped(plain(key.meaning), 6).c_str());
  }
  std::fputs("\nThe other keys of a table are its plugin's: threepc plugins info NAME\n", stdout);
  return Exit::done;
}

}  // namespace threepc::cli
