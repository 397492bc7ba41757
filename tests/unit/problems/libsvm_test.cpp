// The LIBSVM reader, through logreg: what it accepts, how it shards, and every complaint word for word.
#include "data/libsvm.hpp"

#include <filesystem>
#include <thread>
#include <threepc/sdk/error.hpp>

#include "harness.hpp"

namespace {

using namespace problems_test;

const std::string library = "problem-logreg";

/// Worker i's gradient at 0 without a regulariser: -(1/2m) sum y a, which shows the rows that it holds.
Vector fingerprint(const std::string& content, std::uint32_t workers, std::uint32_t worker, Values more = {}) {
  const TemporaryFile file(content);
  more.insert({{"data", file.name()}, {"regularizer", "none"}});
  const Worker made(library, more, workers, worker);
  return made.gradient(Vector(made.dim()));
}

Refusal refused(const std::string& content, std::uint32_t workers = 1, Values more = {}) {
  const TemporaryFile file(content);
  more.insert({"data", file.name()});
  return refusal(library, more, file.name(), workers);
}

TEST(Libsvm, SmallerLabelBecomesMinusOne) {
  const Vector want = {-0.25, 0.5};
  EXPECT_EQ(fingerprint("1 1:1\n0 2:2\n", 1, 0), want);
  EXPECT_EQ(fingerprint("0 2:2\n1 1:1\n", 1, 0), want);
  EXPECT_EQ(fingerprint("+1 1:1\n-1 2:2\n", 1, 0), want);
  EXPECT_EQ(fingerprint("2 1:1\n1 2:2\n", 1, 0), want);
  EXPECT_EQ(fingerprint("-2.5 1:1\n-3e1 2:2\n", 1, 0), want);
}

TEST(Libsvm, ShardsAreContiguousAndTheRemainderIsDropped) {
  const std::string seven = "1 1:1\n1 1:2\n1 1:4\n-1 1:8\n-1 1:16\n-1 1:32\n1 1:64 2:1\n";
  EXPECT_EQ(fingerprint(seven, 3, 0), (Vector{-(1 + 2) / 4.0, 0}));
  EXPECT_EQ(fingerprint(seven, 3, 1), (Vector{-(4 - 8) / 4.0, 0}));
  EXPECT_EQ(fingerprint(seven, 3, 2), (Vector{(16 + 32) / 4.0, 0}));
}

TEST(Libsvm, RowsAreReported) {
  const TemporaryFile file("1 1:1\n0 1:2\n1 1:3\n0 1:4\n1 1:5\n");
  EXPECT_EQ(Worker(library, {{"data", file.name()}}, 2, 1).facts().rows, 2u);
}

TEST(Libsvm, AcceptsWhatPeopleWrite) {
  const Vector want = {-0.25, 0.5};
  EXPECT_EQ(fingerprint("1 1:1\r\n0 2:2\r\n", 1, 0), want);                               // CRLF
  EXPECT_EQ(fingerprint("1 1:1\n0 2:2", 1, 0), want);                                     // no final newline
  EXPECT_EQ(fingerprint("# made by\n\n 1\t1:+1.0 # first\n  \n0 2:2e0 \n", 1, 0), want);  // comments, blanks
  EXPECT_EQ(fingerprint("1 1:1 2:0\n0 2:2\n", 1, 0), want);                               // explicit zeros
}

TEST(Libsvm, ARowMayBeEmpty) { EXPECT_EQ(fingerprint("1\n0 1:2\n", 1, 0), (Vector{0.5})); }

TEST(Libsvm, FeaturesSetsTheDimension) {
  EXPECT_EQ(fingerprint("1 1:1\n0 2:2\n", 1, 0, {{"features", std::int64_t{4}}}), (Vector{-0.25, 0.5, 0, 0}));
}

// ---- labels that are declared, scales, an intercept

Values with_labels(std::vector<double> labels) { return {{"labels", std::move(labels)}}; }

/// A host whose file has one class only can take part.
TEST(Libsvm, DeclaredLabelsNeedNotOccur) {
  EXPECT_EQ(fingerprint("1 1:1\n1 2:2\n", 1, 0, with_labels({-1, 1})), (Vector{-0.25, -0.5}));
  EXPECT_EQ(fingerprint("-1 1:1\n-1 2:2\n", 1, 0, with_labels({-1, 1})), (Vector{0.25, 0.5}));
}

TEST(Libsvm, TheFirstDeclaredLabelBecomesMinusOne) {
  EXPECT_EQ(fingerprint("1 1:1\n0 2:2\n", 1, 0, with_labels({0, 1})), (Vector{-0.25, 0.5}));
  EXPECT_EQ(fingerprint("1 1:1\n0 2:2\n", 1, 0, with_labels({1, 0})), (Vector{0.25, -0.5}));
}

TEST(Libsvm, LabelsThatCannotBeAreRefused) {
  const std::string rows = "1 1:1\n-1 2:2\n3 1:1\n";
  const Refusal third = refused(rows, 1, with_labels({-1, 1}));
  EXPECT_EQ(third.text, "FILE:3: expected one of the two labels -1 and 1, seen 3");
  EXPECT_EQ(third.code, threepc::Exit::data);
  for (const auto& [labels, text] : {std::pair(std::vector{1.0}, "expected two labels or more, got one"),
                                     std::pair(std::vector{1.0, 2.0, 1.0}, "names the label 1 twice"),
                                     std::pair(std::vector{-1.0, 1.0, 3.0}, "expected two labels, got 3")}) {
    const Refusal seen = refused(rows, 1, with_labels(labels));
    EXPECT_NE(seen.text.find(text), std::string::npos) << seen.text;
    EXPECT_EQ(seen.code, threepc::Exit::usage);
  }
}

std::string complaint(const LibsvmFile& file, const std::vector<double>& classes) {
  try {
    file.class_of_rows(classes);
    return "";
  } catch (const tpc::Corrupt& error) {
    return error.what();
  }
}

TEST(Libsvm, AnotherLabelThanTheClassesIsRefused) {
  const TemporaryFile rows("1 1:1\n5 1:1\n");
  const LibsvmFile file(rows.name(), std::nullopt);
  EXPECT_EQ(file.class_of_rows(std::vector{5.0, 1.0}), (std::vector<std::uint32_t>{1, 0}));
  EXPECT_EQ(complaint(file, {1, 2, 3}), rows.name() + ":2: expected one of the labels 1, 2, 3, seen 5");
  EXPECT_EQ(complaint(file, std::vector<double>(9, 1)), rows.name() + ":2: expected one of the 9 labels, seen 5");
}

Values scaled(const char* how) { return {{"scale", std::string(how)}}; }

/// Over the whole file, whoever holds the rows.
TEST(Libsvm, MaxAbsBringsEachFeatureToOne) {
  const std::string rows = "1 1:4\n0 1:2 2:2\n0 3:0 4:-5\n1 1:-8 2:1\n";
  EXPECT_EQ(fingerprint(rows, 2, 0, scaled("max_abs")), (Vector{-0.25 * (0.5 - 0.25), 0.25, 0, 0}));
  EXPECT_EQ(fingerprint(rows, 2, 1, scaled("max_abs")), (Vector{0.25, -0.125, 0, -0.25}));
}

TEST(Libsvm, UnitRowsHaveLengthOne) {
  EXPECT_EQ(fingerprint("1 1:3 2:4\n0\n", 1, 0, scaled("unit_rows")), (Vector{-0.25 * (3.0 / 5), -0.25 * (4.0 / 5)}));
  EXPECT_EQ(fingerprint("1 1:-2e150\n0 2:1e-200\n", 1, 0, scaled("unit_rows")), (Vector{0.25, 0.25}));
}

TEST(Libsvm, AnInterceptIsAFinalOne) {
  Values values = scaled("max_abs");
  values["intercept"] = true;
  EXPECT_EQ(fingerprint("1 1:4\n1 2:2\n0 2:-1\n0 1:1\n", 1, 0, values),
            (Vector{-0.125 * (1 - 0.25), -0.125 * (1 + 0.5), 0}));
  EXPECT_EQ(fingerprint("1 1:4\n1\n", 1, 0, {{"intercept", true}, {"labels", std::vector{0.0, 1.0}}}),
            (Vector{-1, -0.5}));
}

/// max_abs divides by numbers of one file, so workers with other files do not fit.
TEST(Libsvm, ScalesOfAFileWantThatFile) {
  const TemporaryFile file("1 1:1\n0 1:2\n");
  const Values values = {{"data", file.name()}, {"split", std::string("replicated")}};
  Values by_file = values;
  by_file["scale"] = std::string("max_abs");
  EXPECT_TRUE(Worker(library, values, 1, 0).facts().own_data);
  EXPECT_FALSE(Worker(library, by_file, 1, 0).facts().own_data);
}

struct Bad {
  const char* content;
  const char* message;
};

std::ostream& operator<<(std::ostream& out, const Bad& bad) { return out << bad.message; }

class MalformedRow : public testing::TestWithParam<Bad> {};

TEST_P(MalformedRow, IsRefusedWithPlaceExpectedAndSeen) {
  const Refusal seen = refused(GetParam().content);
  EXPECT_EQ(seen.text, GetParam().message);
  EXPECT_EQ(seen.code, threepc::Exit::data);
}

INSTANTIATE_TEST_SUITE_P(
    Libsvm, MalformedRow,
    testing::Values(
        Bad{"", "FILE: expected rows 'label index:value ...', seen none"},
        Bad{"# nothing\n\n", "FILE: expected rows 'label index:value ...', seen none"},
        Bad{"1 1:1\n1 2:1\n",
            "FILE: expected two distinct labels, seen only 1; if other workers have the others, name all of them: "
            "labels = "
            "[-1, 1]"},
        Bad{"1\n0\n", "FILE: expected at least one index:value, seen labels only"},
        Bad{"1 1:1\n0 1:1\n2 1:1\n", "FILE:3: expected one of the two labels 0 and 1, seen 2"},
        Bad{"1 1:1\n1:0.5 2:1\n", "FILE:2: expected a label before the first index:value, seen '1:0.5'"},
        Bad{"one 1:1\n", "FILE:1: expected a finite number as the label, seen 'one'"},
        Bad{"nan 1:1\n", "FILE:1: expected a finite number as the label, seen 'nan'"},
        Bad{"+-1 1:1\n", "FILE:1: expected a finite number as the label, seen '+-1'"},
        Bad{"1 0:1\n", "FILE:1: expected an index from 1 on, seen '0:1'"},
        Bad{"1 1:1\n\n# x\n0 2:1 2:3\n", "FILE:4: expected an index above the one before it, 2, seen '2:3'"},
        Bad{"1 3:1 2:1\n", "FILE:1: expected an index above the one before it, 3, seen '2:1'"},
        Bad{"1 4294967295:1\n", "FILE:1: expected an index up to 4294967294, seen '4294967295:1'"},
        Bad{"1 99999999999999999999999:1\n",
            "FILE:1: expected an index up to 4294967294, seen '99999999999999999999999:1'"},
        Bad{"1 -1:1\n", "FILE:1: expected index:value, seen '-1:1'"},
        Bad{"1 5\n", "FILE:1: expected index:value, seen '5'"},
        Bad{"1 1: 5\n", "FILE:1: expected a finite number after the colon, seen '1:'"},
        Bad{"1 1:x\n", "FILE:1: expected a finite number after the colon, seen '1:x'"},
        Bad{"1 1:1.5abc\n", "FILE:1: expected a finite number after the colon, seen '1:1.5abc'"},
        Bad{"1 1:inf\n", "FILE:1: expected a finite number after the colon, seen '1:inf'"},
        Bad{"1 1:1e999\n", "FILE:1: expected a finite number after the colon, seen '1:1e999'"},
        Bad{"1 1:-1e999\n", "FILE:1: expected a finite number after the colon, seen '1:-1e999'"},
        Bad{"1 1:1\n0 1:1e200\n",
            "FILE:2: expected a row whose squares have a finite sum, as its curvature does, seen values that are too "
            "large for that; scale the data"},
        Bad{"1 qid:3 1:1\n",
            "FILE:1: expected index:value, seen 'qid:3', a query of ranking data, which no problem here uses; remove "
            "them: sed 's/ qid:[^ ]*//'"},
        Bad{"1 1:1\n0 2147483649:1\n",
            "FILE:2: expected an index up to 268435456, seen 2147483649: every vector of the run would take 16 GiB; "
            "mend "
            "the line if it is a slip, or say features = 2147483649"},
        Bad{"PK\x03\x04 1:1\n",
            "FILE: expected text, plain or compressed by gzip, bzip2 or xz, seen a zip archive; unpack it and name the "
            "file in it"},
        Bad{"\x28\xb5\x2f\xfd\x01",
            "FILE: expected text, plain or compressed by gzip, bzip2 or xz, seen a file that zstd has compressed; "
            "decompress it: zstd -d"},
        Bad{"\xff\xfe\x31",
            "FILE: expected text, plain or compressed by gzip, bzip2 or xz, seen text in UTF-16; convert it: iconv -f "
            "UTF-16 -t UTF-8"},
        Bad{"1 1:0x10\n", "FILE:1: expected a finite number after the colon, seen '1:0x10'"},
        Bad{"\x7f\x01\xff 1:1\n",
            "FILE:1: expected a finite number as the label, seen '?"
            "?"
            "?'"},
        Bad{"1 1:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n",
            "FILE:1: expected a finite number after the colon, seen '1:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...'"}),
    [](const auto& bad) { return "case_" + std::to_string(bad.index); });

TEST(Libsvm, NulBytesAreNoNumber) {
  EXPECT_EQ(refused(std::string("1 1:1\0 2:1\n", 11)).text,
            "FILE:1: expected a finite number after the colon, seen '1:1?'");
}

TEST(Libsvm, AByteOrderMarkAndNumbersTooSmallForADoubleAreRead) {
  const TemporaryFile plain("1 1:0 2:1\n-1 1:2\n"), marked(
                                                        "\xef\xbb\xbf"
                                                        "1 1:1e-400 2:1\n-1 1:2\n");
  const Worker a(library, {{"data", plain.name()}}, 1, 0), b(library, {{"data", marked.name()}}, 1, 0);
  EXPECT_EQ(a.gradient(wavy(2)), b.gradient(wavy(2)));
}

TEST(Libsvm, MoreWorkersThanRows) {
  const Refusal seen = refused("1 1:1\n0 1:1\n", 20);
  EXPECT_EQ(seen.text, "FILE: expected at least one row for each of 20 workers, seen 2 rows");
  EXPECT_EQ(seen.code, threepc::Exit::data);
}

TEST(Libsvm, IndexAboveFeatures) {
  EXPECT_EQ(refused("1 4:1\n0 5:1\n", 1, {{"features", std::int64_t{4}}}).text,
            "FILE:2: expected an index up to features = 4, seen '5:1'");
}

TEST(Libsvm, AMalformedRowOfAnotherShardIsSeenToo) {
  EXPECT_EQ(refused("1 1:1\n0 1:1\n1 1:1\n0 1:?\n", 4).text,
            "FILE:4: expected a finite number after the colon, seen '1:?'");
}

TEST(Libsvm, AFolderIsNoData) {
  const Refusal seen = refusal(library, {{"data", testing::TempDir()}}, testing::TempDir());
  EXPECT_EQ(seen.text, "FILE: cannot be read: not a regular file");
  EXPECT_EQ(seen.code, threepc::Exit::data);
}

TEST(Libsvm, AMissingFileIsNamed) {
  EXPECT_EQ(refusal(library, {{"data", "/nowhere/phishing"}}, "").text,
            "/nowhere/phishing: cannot be read: No such file or directory");
}

TEST(Libsvm, AValueThatF32CannotHold) {
  const TemporaryFile file("1 1:1e100\n0 1:1\n");
  EXPECT_NO_THROW(Worker(library, {{"data", file.name()}}, 1, 0));
  EXPECT_THROW(Worker(library, {{"data", file.name()}}, 1, 0, TPC_F32), threepc::Failure);
}

TEST(Libsvm, WorkersOfOneProcessShareAFile) {
  const TemporaryFile file("1 1:1\n0 2:2\n");
  std::vector<std::shared_ptr<const LibsvmFile>> seen(8);
  {
    std::vector<std::jthread> threads;
    for (auto& one : seen) threads.emplace_back([&one, &file] { one = LibsvmFile::open(file.name(), {}); });
  }
  for (const auto& one : seen) EXPECT_EQ(one, seen.front());
  const std::filesystem::path path(file.name());
  EXPECT_EQ(LibsvmFile::open(path.parent_path() / "." / path.filename(), {}), seen.front()) << "another spelling";
  EXPECT_NE(LibsvmFile::open(file.name(), 5), seen.front()) << "another d";
}

TEST(Libsvm, AFileIsKeptNoLongerThanItIsHeldAndReadAnewWhenItChanges) {
  const TemporaryFile file("1 1:1\n0 2:2\n");
  auto held = LibsvmFile::open(file.name(), {});
  const std::weak_ptr<const LibsvmFile> watched = held;
  std::ofstream(file.name()) << "1 1:1\n0 2:2\n1 3:1\n";
  EXPECT_EQ(LibsvmFile::open(file.name(), {})->features(), 3u);
  EXPECT_EQ(held->features(), 2u);
  held.reset();
  EXPECT_TRUE(watched.expired());
}

}  // namespace
