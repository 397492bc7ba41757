// Every demand that the host makes of an entry, one at a time: a sound entry is copied, one thing in it is spoilt,
// and check_entry must say what. (loading_test.cpp shows the same for a few of them through real files.)
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <functional>
#include <string>
#include <threepc/sdk.hpp>

#include "plugin/library.hpp"

namespace threepc {
namespace {

struct Options {
  double real = 0.5;
  std::string_view word = "one";
};

constexpr const char* words[] = {"one", "two"};

template <class T>
struct Mechanism {
  static constexpr tpc::About about = {.id = "sound", .version = "1.0.0", .summary = "Sound."};
  static constexpr auto params =
      tpc::params(tpc::param<&Options::real>("real", "A number.", {.minimum = 0, .maximum = 1, .above_minimum = true}),
                  tpc::param<&Options::word>("word", "A word.", {.choices = words}));
  static constexpr std::array slots = {tpc::compressor_slot("compressor", tpc::Accepts::any, "A child."),
                                       tpc::mechanism_slot("inner", "Another.")};
  Mechanism(const Options&, const tpc::Setup&) {}
  tpc::Constants constants(std::span<const tpc::Constants>) const { return {}; }
  void propose(const tpc::Context&, const tpc::Points<T>&, tpc::Program<T>&) {}
};

/// A sound library with one mechanism, all of whose parts can be written to.
struct Parts {
  Parts() {
    for (std::size_t i = 0; i < 2; ++i) {
      params[i] = *tpc::mechanism<Mechanism>.params[i];
      slots[i] = *tpc::mechanism<Mechanism>.slots[i];
      param_pointers[i] = &params[i];
      slot_pointers[i] = &slots[i];
    }
    descriptor.params = param_pointers.data();
    descriptor.slots = slot_pointers.data();
    descriptor.table = &table;
  }
  Parts(const Parts&) = delete;
  Parts& operator=(const Parts&) = delete;
  std::string verdict() const { return check_entry(entry); }

  tpc_mechanism table = tpc::detail::MechanismTable<Mechanism>::table;
  tpc_descriptor descriptor = tpc::mechanism<Mechanism>;
  std::array<tpc_param, 2> params;
  std::array<tpc_slot, 2> slots;
  std::array<const tpc_param*, 2> param_pointers;
  std::array<const tpc_slot*, 2> slot_pointers;
  std::array<const tpc_descriptor*, 1> descriptors = {&descriptor};
  tpc_entry entry = {TPC_ABI_MAGIC, TPC_ABI_MAJOR, TPC_ABI_MINOR, sizeof(tpc_entry), 1, descriptors.data()};
};

TEST(CheckEntry, AcceptsTheSoundOne) { EXPECT_EQ(Parts().verdict(), ""); }

TEST(CheckEntry, AcceptsStructsThatHaveGrown) {
  Parts parts;
  parts.entry.struct_size += 8;
  parts.entry.abi_minor = TPC_ABI_MINOR + 5;
  parts.descriptor.struct_size += 8;
  parts.table.struct_size += 8;
  parts.params[0].struct_size += 8;
  parts.slots[0].struct_size += 8;
  EXPECT_EQ(parts.verdict(), "");
}

struct Spoilt {
  const char* name;
  const char* verdict;
  void (*spoil)(Parts&);
};

std::ostream& operator<<(std::ostream& out, const Spoilt& spoilt) { return out << spoilt.name; }

constexpr Spoilt cases[] = {
    {"null_descriptors", "offers no plugin", [](Parts& p) { p.entry.descriptors = nullptr; }},
    {"kind_zero", "a descriptor has the unknown kind 0", [](Parts& p) { p.descriptor.kind = 0; }},
    {"empty_id", "a mechanism's id must be 1 to 59 lower-case letters, digits, '+', '-' and '_'",
     [](Parts& p) { p.descriptor.id = ""; }},
    {"long_id", "a mechanism's id must be 1 to 59 lower-case letters, digits, '+', '-' and '_'",
     [](Parts& p) { p.descriptor.id = "sixty-characters-are-one-too-many-for-the-name-of-any-plugin0"; }},
    {"null_version", "mechanism 'sound': has no version", [](Parts& p) { p.descriptor.version = nullptr; }},
    {"null_summary", "mechanism 'sound': has no summary", [](Parts& p) { p.descriptor.summary = nullptr; }},
    {"null_paper", "mechanism 'sound': the paper is null (\"\" for none)",
     [](Parts& p) { p.descriptor.paper = nullptr; }},
    {"unknown_dtypes", "mechanism 'sound': supports neither f32 nor f64", [](Parts& p) { p.descriptor.dtypes = 8; }},
    {"too_much_state", "mechanism 'sound': asks for more than 64 state vectors",
     [](Parts& p) { p.descriptor.state_vectors = 1u << 31; }},
    {"null_table", "mechanism 'sound': its function table is null", [](Parts& p) { p.descriptor.table = nullptr; }},
    {"null_params", "mechanism 'sound': param_count is not 0 but params is null",
     [](Parts& p) { p.descriptor.params = nullptr; }},
    {"null_slots", "mechanism 'sound': slot_count is not 0 but slots is null",
     [](Parts& p) { p.descriptor.slots = nullptr; }},
    {"null_param", "mechanism 'sound': a parameter is null", [](Parts& p) { p.param_pointers[1] = nullptr; }},
    {"truncated_param",
     "mechanism 'sound': a parameter is truncated: struct_size is 96, at least 104 expected; rebuild the plugin "
     "against this version's headers",
     [](Parts& p) { p.params[1].struct_size = 96; }},
    {"null_key", "mechanism 'sound': parameter: a key must be 1 to 59 lower-case letters, digits and '_'",
     [](Parts& p) { p.params[0].key = nullptr; }},
    {"capital_key", "mechanism 'sound': parameter: a key must be 1 to 59 lower-case letters, digits and '_'",
     [](Parts& p) { p.params[0].key = "Zeta"; }},
    {"dotted_key", "mechanism 'sound': parameter: a key must be 1 to 59 lower-case letters, digits and '_'",
     [](Parts& p) { p.params[0].key = "a.b"; }},
    {"taken_key", "mechanism 'sound': parameter: the key 'plugin' is the host's",
     [](Parts& p) { p.params[0].key = "plugin"; }},
    {"duplicate_key", "mechanism 'sound': parameter: the key 'word' is there twice",
     [](Parts& p) { p.params[0].key = "word"; }},
    {"slot_key_is_param_key", "mechanism 'sound': slot: the key 'real' is there twice",
     [](Parts& p) { p.slots[1].key = "real"; }},
    {"null_doc", "mechanism 'sound': parameter 'real': has no sentence that explains it",
     [](Parts& p) { p.params[0].doc = nullptr; }},
    {"null_unit", "mechanism 'sound': parameter 'real': the unit is null (\"\" for a pure number)",
     [](Parts& p) { p.params[0].unit = nullptr; }},
    {"unknown_type", "mechanism 'sound': parameter 'real': unknown type 7", [](Parts& p) { p.params[0].type = 7; }},
    {"default_of_a_list", "mechanism 'sound': parameter 'real': a list cannot have a default",
     [](Parts& p) { p.params[0].type = p.params[0].preset.type = TPC_REALS; }},
    {"min_above_max", "mechanism 'sound': parameter 'real': the minimum is above the maximum",
     [](Parts& p) { p.params[0].minimum = 2; }},
    {"nan_minimum", "mechanism 'sound': parameter 'real': the minimum is above the maximum",
     [](Parts& p) { p.params[0].minimum = NAN; }},
    {"default_too_large", "mechanism 'sound': parameter 'real': the default is outside the parameter's own range",
     [](Parts& p) { p.params[0].preset.real = 1.5; }},
    {"default_at_open_end", "mechanism 'sound': parameter 'real': the default is outside the parameter's own range",
     [](Parts& p) { p.params[0].preset.real = 0; }},
    {"default_nan", "mechanism 'sound': parameter 'real': the default is outside the parameter's own range",
     [](Parts& p) { p.params[0].preset.real = NAN; }},
    {"default_of_other_type", "mechanism 'sound': parameter 'real': the default has another type than the parameter",
     [](Parts& p) { p.params[0].preset.type = TPC_INTEGER; }},
    {"null_choices", "mechanism 'sound': parameter 'word': choice_count is not 0 but choices is null",
     [](Parts& p) { p.params[1].choices = nullptr; }},
    {"default_no_choice", "mechanism 'sound': parameter 'word': the default is not one of the choices",
     [](Parts& p) { p.params[1].preset.string = "three"; }},
    {"null_default", "mechanism 'sound': parameter 'word': the default is a null string",
     [](Parts& p) { p.params[1].choice_count = 0, p.params[1].preset.string = nullptr; }},
    {"choices_of_a_number", "mechanism 'sound': parameter 'real': only a string has choices",
     [](Parts& p) { p.params[0].choices = words, p.params[0].choice_count = 2; }},
    {"null_slot", "mechanism 'sound': a slot is null", [](Parts& p) { p.slot_pointers[0] = nullptr; }},
    {"truncated_slot",
     "mechanism 'sound': a slot is truncated: struct_size is 8, at least 32 expected; rebuild the plugin against this "
     "version's headers",
     [](Parts& p) { p.slots[0].struct_size = 8; }},
    {"null_slot_key", "mechanism 'sound': slot: a key must be 1 to 59 lower-case letters, digits and '_'",
     [](Parts& p) { p.slots[0].key = nullptr; }},
    {"duplicate_slot", "mechanism 'sound': slot: the key 'compressor' is there twice",
     [](Parts& p) { p.slots[1].key = "compressor"; }},
    {"slot_of_an_optimizer", "mechanism 'sound': slot 'inner': takes neither a compressor nor a mechanism",
     [](Parts& p) { p.slots[1].kind = TPC_OPTIMIZER; }},
    {"slot_of_unknown_class", "mechanism 'sound': slot 'compressor': accepts an unknown class of compressors",
     [](Parts& p) { p.slots[0].accepts = 3; }},
    {"null_slot_doc", "mechanism 'sound': slot 'inner': has no sentence that explains it",
     [](Parts& p) { p.slots[1].doc = nullptr; }},
};

class CheckEntryCase : public ::testing::TestWithParam<Spoilt> {};

TEST_P(CheckEntryCase, IsRefusedWithTheReason) {
  Parts parts;
  GetParam().spoil(parts);
  EXPECT_EQ(parts.verdict(), GetParam().verdict);
}

INSTANTIATE_TEST_SUITE_P(CheckEntry, CheckEntryCase, ::testing::ValuesIn(cases),
                         [](const auto& test) { return std::string(test.param.name); });

/// The function pointers of a table follow its two leading words, so each can be nulled in turn whatever its type.
template <class Table>
std::string verdict_without(tpc_kind kind, std::size_t function) {
  constexpr std::size_t functions = (sizeof(Table) - 2 * sizeof(std::uint32_t)) / sizeof(void*);
  struct Raw {
    std::uint32_t struct_size = sizeof(Table), reserved = 0;
    std::array<std::uintptr_t, functions> pointers;
  } raw;
  static_assert(sizeof(Raw) == sizeof(Table));
  raw.pointers.fill(1);  // never called: check_entry only reads
  if (function < functions) raw.pointers[function] = 0;
  Table table;
  std::memcpy(&table, &raw, sizeof table);

  tpc_descriptor descriptor = tpc::mechanism<Mechanism>;
  descriptor.kind = kind;
  descriptor.slot_count = 0;
  descriptor.table = &table;
  const tpc_descriptor* const descriptors[] = {&descriptor};
  return check_entry({TPC_ABI_MAGIC, TPC_ABI_MAJOR, TPC_ABI_MINOR, sizeof(tpc_entry), 1, descriptors});
}

template <class Table>
void expect_required(tpc_kind kind, const std::string& owner, const std::vector<std::string>& names) {
  EXPECT_EQ(verdict_without<Table>(kind, names.size()), "");
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::string expected =
        names[i].empty() ? "" : owner + ": the required function '" + names[i] + "' is null";  // "": optional
    EXPECT_EQ(verdict_without<Table>(kind, i), expected);
  }
}

TEST(CheckEntry, NamesEveryRequiredFunction) {
  expect_required<tpc_compressor>(TPC_COMPRESSOR, "compressor 'sound'",
                                  {"create", "destroy", "constants", "max_payload", "encode", "accumulate"});
  expect_required<tpc_mechanism>(TPC_MECHANISM, "mechanism 'sound'", {"create", "destroy", "constants", "propose"});
  expect_required<tpc_optimizer>(TPC_OPTIMIZER, "optimizer 'sound'", {"create", "destroy", "step"});
  expect_required<tpc_problem>(TPC_PROBLEM, "problem 'sound'", {"create", "destroy", "facts", "start", "evaluate", ""});
  expect_required<tpc_transport>(
      TPC_TRANSPORT, "transport 'sound'",
      {"create", "destroy", "open", "address", "join", "send", "", "receive", "cancel", "traffic", "close"});
}

}  // namespace
}  // namespace threepc
