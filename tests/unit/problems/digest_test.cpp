// The digest of a data set: equal for the same rows however they are stored, different if anything differs.
#include <algorithm>
#include <boost/iostreams/filter/gzip.hpp>
#include <boost/iostreams/filtering_stream.hpp>
#include <cstddef>
#include <cstring>
#include <fstream>
#include <sstream>
#include <threepc/sdk.hpp>

#include "harness.hpp"

namespace {

using namespace problems_test;
namespace io = boost::iostreams;

const std::string rows = "1 1:1 3:2\n-1 2:2\n1 1:4\n-1 3:8\n";

/// What worker 0 of `workers` says about a file of this content.
std::uint64_t digest(const std::string& content, const std::string& library = "problem-logreg",
                     std::uint32_t workers = 1, std::uint32_t worker = 0, Values more = {}) {
  const TemporaryFile file(content);
  more.insert({"data", file.name()});
  return Worker(library, more, workers, worker).facts().data_digest;
}

class Digest : public testing::TestWithParam<const char*> {};

TEST_P(Digest, IsOfTheWholeFileNotOfAShard) {
  const std::uint64_t whole = digest(rows, GetParam());
  EXPECT_NE(whole, 0u);
  for (const std::uint32_t worker : {0u, 1u, 2u, 3u}) EXPECT_EQ(digest(rows, GetParam(), 4, worker), whole) << worker;
  EXPECT_EQ(digest(rows, GetParam(), 2, 1, {{"split", std::string("shuffled")}}), whole);
}

TEST_P(Digest, TellsDataApart) {
  for (const char* other : {
           "-1 1:1 3:2\n1 2:2\n-1 1:4\n1 3:8\n",              // labels flipped
           "2 1:1 3:2\n1 2:2\n2 1:4\n1 3:8\n",                // {1, 2} for {-1, 1}
           "1 1:1 3:2\n-1 2:2\n1 1:4\n-1 3:8\n1 1:1 3:2\n",   // a row twice
           "-1 2:2\n1 1:1 3:2\n1 1:4\n-1 3:8\n",              // another order
           "1 1:1 3:2\n-1 2:2\n1 1:4\n-1 3:9\n",              // another value
           "1 1:1 2:2\n-1 2:2\n1 1:4\n-1 3:8\n",              // another index
           "1 1:1 3:2\n-1 2:2\n1 1:4\n-1 3:8\n-1 3:8 4:0\n",  // another dimension
       })
    EXPECT_NE(digest(other, GetParam()), digest(rows, GetParam())) << other;
}

TEST_P(Digest, IsOfTheTextNotOfItsCompression) {
  std::stringstream plain(rows), packed;
  {
    io::filtering_ostream to;
    to.push(io::gzip_compressor());
    to.push(packed);
    to << rows;
  }
  EXPECT_EQ(digest(packed.str(), GetParam()), digest(rows, GetParam()));
}

INSTANTIATE_TEST_SUITE_P(Problems, Digest,
                         testing::Values("problem-logreg", "problem-leastsquares", "problem-softmax", "problem-mlp"),
                         [](const auto& test) { return std::string(std::strchr(test.param, '-') + 1); });

TEST(DigestOfImages, CoversImagesAndLabels) {
  const std::string header("\0\0\x08\x03\0\0\0\x02\0\0\0\x01\0\0\0\x02", 16), other = header + "abce";
  const std::string labels("\0\0\x08\x01\0\0\0\x02", 8);
  const TemporaryFile first(labels + "01"), second(labels + "10");
  const auto of = [](const std::string& images, Values more = {}) {
    more.insert({"hidden", std::int64_t{1}});
    return digest(images, "problem-autoencoder", 2, 1, more);
  };
  const std::uint64_t plain = of(header + "abcd");
  EXPECT_NE(plain, 0u);
  EXPECT_NE(of(other), plain);
  const std::uint64_t labelled = of(header + "abcd", {{"labels", first.name()}});
  EXPECT_NE(labelled, plain);
  EXPECT_NE(of(header + "abcd", {{"labels", second.name()}}), labelled);
  EXPECT_EQ(of(header + "abcd", {{"labels", first.name()}}), labelled);
}

/// A problem as it was built for minor version 2, whose facts end before the digest.
constexpr std::uint32_t size_without_digest = offsetof(tpc_problem_facts, data_digest);
int instance;

constexpr tpc_problem early_table = {
    .struct_size = sizeof(tpc_problem),
    .reserved = 0,
    .create = [](const tpc_host*, const tpc_setup*, void** self, tpc_error*) -> tpc_status {
      *self = &instance;
      return TPC_OK;
    },
    .destroy = [](void*) {},
    .facts = [](void*, tpc_problem_facts* out, tpc_error*) -> tpc_status {
      const tpc_problem_facts facts = {size_without_digest, 3, 0, NAN, NAN, NAN, nullptr, 0, 0, 77};
      std::memcpy(static_cast<void*>(out), &facts, size_without_digest);
      return TPC_OK;
    },
    .start = nullptr,
    .evaluate = nullptr,
    .curvature = nullptr,
    .evaluate_rows = nullptr,
    .extension = nullptr};

TEST(DigestOfAnEarlierPlugin, IsZero) {
  tpc_descriptor descriptor{};
  descriptor.struct_size = sizeof descriptor;
  descriptor.kind = TPC_PROBLEM;
  descriptor.id = "early";
  descriptor.dtypes = TPC_F64;
  descriptor.table = &early_table;
  threepc::PluginSpec spec;
  spec.descriptor = &descriptor;
  const threepc::Problem problem(spec, {TPC_F64, 0, 1, 0, 1}, 0);
  EXPECT_EQ(problem.facts().dim, 3u);
  EXPECT_EQ(problem.facts().data_digest, 0u);
}

TEST(DigestForAnEarlierHost, IsNotWrittenBehindItsStruct) {
  tpc_problem_facts room{};
  room.struct_size = size_without_digest;
  room.data_digest = 5;
  const tpc_problem_facts made = {sizeof made, 3, 4, NAN, NAN, NAN, nullptr, 0, 0, 77};
  tpc::detail::hand_over(made, &room);
  EXPECT_EQ(room.rows, 4u);
  EXPECT_EQ(room.data_digest, 5u);
}

TEST(DigestOfNothing, IsZero) { EXPECT_EQ(Worker("problem-quadratic", {}, 2, 0).facts().data_digest, 0u); }

/// Found by fuzzing: each left a mapping behind.
TEST(FileText, WhatCannotBeDecompressedIsUnmapped) {
  const TemporaryFile file("\x1f\x8b damaged");
  for (int i = 0; i < 3; ++i) EXPECT_THROW(Worker("problem-logreg", {{"data", file.name()}}, 1, 0), threepc::Failure);
  std::ifstream in("/proc/self/maps");
  for (std::string line; std::getline(in, line);) EXPECT_EQ(line.find(file.name()), std::string::npos) << line;
}

}  // namespace
