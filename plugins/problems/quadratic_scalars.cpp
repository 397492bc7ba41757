#include "quadratic_scalars.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <limits>
#include <nlohmann/json.hpp>
#include <threepc/sdk/error.hpp>

namespace {

using nlohmann::json;

[[noreturn]] void malformed(const std::string& file, const std::string& expected, const std::string& seen) {
  throw tpc::Corrupt(tpc::text(file, ": expected ", expected, ", seen ", seen));
}

std::string excerpt(const json& value) {
  constexpr std::size_t longest = 40;
  const std::string all = value.dump(-1, ' ', true, json::error_handler_t::replace);
  return all.size() <= longest ? all : all.substr(0, longest) + "...";
}

std::string read_all(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  std::string content{std::istreambuf_iterator<char>(in), {}};
  if (!in.is_open() || in.bad()) throw tpc::Error(TPC_IO, file + ": cannot be read");
  return content;
}

json parse(const std::string& file) {
  const std::string content = read_all(file);
  if (content.find_first_not_of(" \t\r\n") == content.npos) malformed(file, "a JSON object", "an empty file");
  try {
    return json::parse(content);
  } catch (const json::parse_error& error) {
    const auto end = content.begin() + static_cast<std::ptrdiff_t>(std::min(error.byte, content.size()));
    const auto line = 1 + std::count(content.begin(), end, '\n');
    const std::string what = error.what();
    const std::size_t syntax = what.find("syntax error");
    throw tpc::Corrupt(tpc::text(file, ":", line, ": expected a JSON object, seen a ",
                                 syntax == std::string::npos ? what : what.substr(syntax)));
  } catch (const json::exception& error) {
    malformed(file, "a JSON object", error.what());
  }
}

/// The member `key` of `object`; `expected` says what it should be, for messages.
const json& member(const std::string& file, const json& object, const char* key, const char* expected) {
  if (!object.is_object())
    malformed(file, "a JSON object with the member \"" + std::string(key) + "\"", excerpt(object));
  const auto found = object.find(key);
  if (found == object.end()) malformed(file, tpc::text(expected, " \"", key, "\""), "no such member");
  return *found;
}

double number(const std::string& file, const json& object, const char* key) {
  const json& value = member(file, object, key, "a number");
  if (!value.is_number()) malformed(file, "a number \"" + std::string(key) + "\"", excerpt(value));
  return value.get<double>();
}

std::uint32_t dimension(const std::string& file, const json& object) {
  constexpr std::uint64_t largest = std::numeric_limits<std::uint32_t>::max() - 1;
  const json& value = member(file, object, "d", "an integer");
  if (!value.is_number_unsigned() || value.get<std::uint64_t>() < 1 || value.get<std::uint64_t>() > largest)
    malformed(file, tpc::text("an integer \"d\" in 1 .. ", largest), excerpt(value));
  return value.get<std::uint32_t>();
}

std::vector<double> numbers(const std::string& file, const json& object, const char* key) {
  const json& array = member(file, object, key, "an array");
  if (!array.is_array() || array.empty())
    malformed(file, "a non-empty array \"" + std::string(key) + "\"", excerpt(array));
  for (std::size_t i = 0; i < array.size(); ++i)
    if (!array[i].is_number()) malformed(file, tpc::text("a number as ", key, "[", i, "]"), excerpt(array[i]));
  return array.get<std::vector<double>>();
}

const json& select(const std::string& file, const json& root, std::string_view problem) {
  const json& problems = member(file, root, "problems", "an object");
  if (!problems.is_object()) malformed(file, "an object \"problems\"", excerpt(problems));
  const auto found = problems.find(std::string(problem));
  if (found != problems.end()) return *found;
  std::string names;
  for (const auto& [name, unused] : problems.items()) names += (names.empty() ? "" : ", ") + name;
  throw tpc::BadParameter("problem",
                          tpc::text("expected one of the problems of ", file, " (", names, "), seen '", problem, "'"));
}

}  // namespace

QuadraticScalars read_quadratic_scalars(const std::string& file, std::optional<std::string_view> problem) {
  const json root = parse(file);
  const json& object = problem ? select(file, root, *problem) : root;
  QuadraticScalars scalars{.dim = dimension(file, object),
                           .shift = number(file, object, "shift"),
                           .nu_s = numbers(file, object, "nu_s"),
                           .nu_b = numbers(file, object, "nu_b")};
  if (scalars.nu_b.size() != scalars.nu_s.size())
    malformed(file, tpc::text("\"nu_b\" as long as \"nu_s\", ", scalars.nu_s.size(), " numbers"),
              tpc::text(scalars.nu_b.size()));
  return scalars;
}
