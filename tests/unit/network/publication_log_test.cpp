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

  RunConfig config_ = ring_of(2);
  std::shared_ptr<const Network> network_ = network_of(config_);
  Replica tree_{config_.mechanism, {TPC_F64, 4, 2, TPC_SERVER, 1}};
  PublicationLog log_{config_, *network_, tree_, true};
};

TEST_F(Log, FromTheStartHasTheMailOfEveryRound) {
  log_.note(0, {Bytes({1}), Bytes({2})});
  log_.note(1, {Bytes({3}), Bytes({4, 5})});
  log_.note(2, {Bytes({6}), Bytes({7})});
  const Opened opened(log_.restoration(0));  // who hears worker 1
  EXPECT_EQ(opened.next, 0u);
  EXPECT_TRUE(opened.state.empty());
  EXPECT_EQ(opened.mails, (std::vector<Bytes>{first_mail(*network_), mail(Bytes({2})), mail(Bytes({4, 5}))}));
  EXPECT_EQ(log_.last()[0], Bytes({6}));
}

TEST_F(Log, FromAStateHasTheMailSince) {
  log_.note(0, {Bytes({1}), Bytes({2})});
  log_.note(1, {Bytes({3}), Bytes({4})});
  log_.restart(0, {Bytes({10}), Bytes({11})});  // asked for after round 0, here before round 1 is over
  const Opened opened(log_.restoration(1));
  EXPECT_EQ(opened.next, 1u);
  EXPECT_EQ(opened.state, Bytes({11}));
  EXPECT_EQ(opened.mails, (std::vector<Bytes>{mail(Bytes({1}))}));
}

TEST_F(Log, ARoundThatHasNotBeenLeavesNothing) {
  log_.note(0, {Bytes({1}), Bytes({2})});
  const Bytes before = log_.restoration(0);
  log_.note(1, {Bytes({3}), Bytes({4})});
  log_.undo();
  EXPECT_EQ(log_.restoration(0), before);
  EXPECT_EQ(log_.last()[1], Bytes({2}));
}

TEST_F(Log, GoesOnFromRestorations) {
  log_.note(0, {Bytes({1}), Bytes({2})});
  log_.note(1, {Bytes({3}), Bytes({4})});
  PublicationLog other(config_, *network_, tree_, true);
  other.resume(1, {log_.restoration(0), log_.restoration(1)}, log_.last());
  log_.note(2, {Bytes({5}), Bytes({6})});
  other.note(2, {Bytes({5}), Bytes({6})});
  for (const std::uint32_t worker : {0u, 1u}) EXPECT_EQ(other.restoration(worker), log_.restoration(worker));
}

}  // namespace
}  // namespace threepc
