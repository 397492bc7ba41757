// Compressed data: the same rows as from the plain file, and damage that is told apart from data.
#include <boost/iostreams/copy.hpp>
#include <boost/iostreams/device/array.hpp>
#include <boost/iostreams/device/back_inserter.hpp>
#include <boost/iostreams/filter/bzip2.hpp>
#include <boost/iostreams/filter/gzip.hpp>
#include <boost/iostreams/filter/lzma.hpp>
#include <boost/iostreams/filtering_stream.hpp>
#include <random>

#include "harness.hpp"

namespace {

using namespace problems_test;
namespace io = boost::iostreams;

template <class Filter>
std::string packed(const std::string& text) {
  std::string out;
  {
    io::filtering_ostream to;
    to.push(Filter());
    to.push(io::back_inserter(out));
    to << text;
  }
  return out;
}

struct Format {
  const char* name;
  std::string (*pack)(const std::string&);
};

std::ostream& operator<<(std::ostream& out, const Format& format) { return out << format.name; }

class Compressed : public testing::TestWithParam<Format> {
 protected:
  /// Large enough for several blocks of every format's buffer.
  static std::string text() {
    std::mt19937 random(3);
    std::string out;
    for (int r = 0; r < 20000; ++r)
      out += (r % 3 == 0 ? "1 " : "-1 ") + std::to_string(1 + r % 50) + ":" + std::to_string(random() % 1000) + "\n";
    return out;
  }
  static Refusal refused(const std::string& content) {
    const TemporaryFile file(content);
    return refusal("problem-logreg", {{"data", file.name()}}, file.name());
  }
};

TEST_P(Compressed, GivesTheRowsOfThePlainFile) {
  const TemporaryFile plain(text()), small(GetParam().pack(text()));
  const Worker a("problem-logreg", {{"data", plain.name()}}, 3, 1), b("problem-logreg", {{"data", small.name()}}, 3, 1);
  ASSERT_EQ(a.facts().rows, b.facts().rows);
  EXPECT_EQ(a.gradient(wavy(a.dim())), b.gradient(wavy(b.dim())));
}

TEST_P(Compressed, ZerosBehindItArePadding) {
  if (std::string(GetParam().name) == "bzip2") return;  // whose tools do not take it either
  const TemporaryFile plain(text());
  const Worker a("problem-logreg", {{"data", plain.name()}}, 1, 0);
  for (const std::size_t zeros : {4u, 512u, 10240u}) {  // xz pads by multiples of four
    const TemporaryFile padded(GetParam().pack(text()) + std::string(zeros, '\0'));
    const Worker b("problem-logreg", {{"data", padded.name()}}, 1, 0);
    EXPECT_EQ(a.gradient(wavy(a.dim())), b.gradient(wavy(b.dim()))) << zeros;
  }
}

TEST_P(Compressed, CutOffIsDamage) {
  const std::string whole = GetParam().pack(text());
  for (const std::size_t keep : {whole.size() - 1, whole.size() / 2, std::size_t{20}}) {
    const Refusal seen = refused(whole.substr(0, keep));
    EXPECT_EQ(seen.text, std::string("FILE: expected a complete ") + GetParam().name +
                             " file, seen one that is damaged or cut off; fetch it again")
        << keep;
    EXPECT_EQ(seen.code, threepc::Exit::data);
  }
}

TEST_P(Compressed, AFlippedByteIsDamage) {
  std::string damaged = GetParam().pack(text());
  damaged[damaged.size() / 2] = static_cast<char>(damaged[damaged.size() / 2] ^ 0x10);
  const Refusal seen = refused(damaged);
  EXPECT_EQ(seen.code, threepc::Exit::data);
  EXPECT_NE(seen.text.find("damaged"), std::string::npos) << seen.text;
}

TEST_P(Compressed, AFileMadeToFillTheMemoryIsRefused) {
  const Refusal seen = refused(GetParam().pack(std::string(std::size_t{65} << 20, '\n')));
  EXPECT_EQ(
      seen.text,
      "FILE: expected at most 67108864 bytes when decompressed (200 times its size, or 64 MiB), seen more; if you "
      "trust the file, decompress it and name the result");
  EXPECT_EQ(seen.code, threepc::Exit::data);
}

TEST_P(Compressed, PartsWrittenOneAfterAnotherAreOneFile) {
  const std::string all = text(), head = all.substr(0, all.size() / 3), tail = all.substr(head.size());
  const TemporaryFile plain(all), small(GetParam().pack(head) + GetParam().pack(tail));
  const Worker a("problem-logreg", {{"data", plain.name()}}, 1, 0), b("problem-logreg", {{"data", small.name()}}, 1, 0);
  EXPECT_EQ(a.gradient(wavy(a.dim())), b.gradient(wavy(b.dim())));
}

INSTANTIATE_TEST_SUITE_P(Data, Compressed,
                         testing::Values(Format{"gzip", packed<io::gzip_compressor>},
                                         Format{"bzip2", packed<io::bzip2_compressor>},
                                         Format{"xz", packed<io::lzma_compressor>}),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
