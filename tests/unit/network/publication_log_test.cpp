// What the server of a graph gives a worker that comes back is what the worker has heard.
#include "members/peers/publication_log.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <memory>

#include "../runtime/folder.hpp"
#include "members/peers/publisher.hpp"

namespace threepc {
namespace {

RunConfig ring_of(std::uint32_t workers) {
  static const TestFolder own;  // tests run side by side
  const std::string file = own.path("ring.toml");
  std::ofstream(file) << "[workers]\ncount = " << workers
                      << "\n[problem]\nplugin = \"quadratic\"\ndim = 4\n[mechanism]\nplugin = \"gd\"\n[optimizer]\n"
                         "plugin = \"push-sum\"\nstepsize = 0.1\n[topology]\nplugin = \"ring\"\n";
  return load_config(file, {});
}

/// The state's successor, the state, and the mails of a restoration.
struct Opened {
  explicit Opened(const Bytes& restoration) : in(restoration.data(), restoration.size()) {
    next = in.get<std::uint64_t>();
    state = sized();
    while (in.remaining() > 0) mails.push_back(sized());
  }
  Bytes sized() {
    const auto span = in.take_span(in.get<std::uint64_t>());
    return {span.begin(), span.end()};
  }
  tpc::Reader in;
  std::uint64_t next = 0;
  Bytes state;
  std::vector<Bytes> mails;
};

class Log : public testing::Test {
 protected:
  static Bytes mail(const Bytes& said) {
    Bytes out;
    append(out, std::uint64_t{said.size()});
    for (const std::uint8_t byte : said) append(out, byte);
    return out;
  }

  const std::vector<Bytes> none_ = std::vector<Bytes>(2);  // was exchanged
  RunConfig config_ = ring_of(2);
  std::shared_ptr<const Network> network_ = network_of(config_);
  Replica tree_{config_.mechanism, {TPC_F64, 4, 2, TPC_SERVER, 1}};
  PublicationLog log_{config_, *network_, tree_, true};
};

TEST_F(Log, FromTheStartHasTheMailOfEveryRound) {
  log_.note(0, {Bytes({1}), Bytes({2})}, none_);
  log_.note(1, {Bytes({3}), Bytes({4, 5})}, none_);
  log_.note(2, {Bytes({6}), Bytes({7})}, none_);
  const Opened opened(log_.restoration(0));  // who hears worker 1
  EXPECT_EQ(opened.next, 0u);
  EXPECT_TRUE(opened.state.empty());
  EXPECT_EQ(opened.mails, (std::vector<Bytes>{first_mail(*network_), mail(Bytes({2})), mail(Bytes({4, 5}))}));
  EXPECT_EQ(log_.last()[0], Bytes({6}));
}

TEST_F(Log, FromAStateHasTheMailSince) {
  log_.note(0, {Bytes({1}), Bytes({2})}, none_);
  log_.note(1, {Bytes({3}), Bytes({4})}, none_);
  log_.restart(0, {Bytes({10}), Bytes({11})});  // asked for after round 0, here before round 1 is over
  const Opened opened(log_.restoration(1));
  EXPECT_EQ(opened.next, 1u);
  EXPECT_EQ(opened.state, Bytes({11}));
  EXPECT_EQ(opened.mails, (std::vector<Bytes>{mail(Bytes({1}))}));
}

TEST_F(Log, ARoundThatHasNotBeenLeavesNothing) {
  log_.note(0, {Bytes({1}), Bytes({2})}, none_);
  const Bytes before = log_.restoration(0);
  log_.note(1, {Bytes({3}), Bytes({4})}, none_);
  log_.undo();
  EXPECT_EQ(log_.restoration(0), before);
  EXPECT_EQ(log_.last()[1], Bytes({2}));
}

TEST_F(Log, GoesOnFromRestorations) {
  log_.note(0, {Bytes({1}), Bytes({2})}, none_);
  log_.note(1, {Bytes({3}), Bytes({4})}, none_);
  PublicationLog other(config_, *network_, tree_, true);
  other.resume(1, {log_.restoration(0), log_.restoration(1)}, log_.last());
  log_.note(2, {Bytes({5}), Bytes({6})}, none_);
  other.note(2, {Bytes({5}), Bytes({6})}, none_);
  for (const std::uint32_t worker : {0u, 1u}) EXPECT_EQ(other.restoration(worker), log_.restoration(worker));
}

TEST_F(Log, HasWhatWasExchangedBehindTheMailOfItsRound) {
  log_.note(0, {Bytes({1}), Bytes({2})}, {Bytes({8}), Bytes({9})});
  log_.note(1, {Bytes({3}), Bytes({4})}, {Bytes({10}), Bytes({11, 12})});
  const Bytes restoration = log_.restoration(1), first = first_mail(*network_), second = mail(Bytes({1}));
  Bytes expected(2 * sizeof(std::uint64_t), 0);  // from the start, without a state
  for (const auto& [said, history] : {std::pair(first, Bytes({9})), std::pair(second, Bytes({11, 12}))}) {
    append(expected, std::uint64_t{said.size()});
    append(expected, std::span<const std::uint8_t>(said));
    append(expected, std::span<const std::uint8_t>(history));
  }
  EXPECT_EQ(restoration, expected);
}

}  // namespace
}  // namespace threepc
