// What a worker says of its time may be anything.
#include "record/profile.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <threepc/sdk/bytes.hpp>

namespace threepc {
namespace {

Profile busy() {
  Profile profile;
  profile.begin(true);
  for (std::uint64_t round = 0; round < 3; ++round) {
    { const Profile::Scope scope(profile, Phase::gradient, round); }
    { const Profile::Scope scope(profile, Phase::encode, round); }
  }
  return profile;
}

TEST(Profile, CostsNothingWhenItIsOff) {
  Profile profile;
  { const Profile::Scope scope(profile, Phase::gradient, 1); }
  EXPECT_EQ(profile.total(Phase::gradient).calls, 0u);
  EXPECT_TRUE(profile.to_bytes().empty());
  EXPECT_FALSE(Profile::from_bytes({}).on());
}

TEST(Profile, IsTheSameAfterItsWay) {
  const Profile sent = busy(), got = Profile::from_bytes(sent.to_bytes());
  EXPECT_EQ(got.total(Phase::gradient).calls, 3u);
  EXPECT_EQ(got.total(Phase::gradient).nanoseconds, sent.total(Phase::gradient).nanoseconds);
  ASSERT_EQ(got.events().size(), 6u);
  EXPECT_EQ(got.events()[5].begin, sent.events()[5].begin);
  EXPECT_EQ(got.events()[5].round, 2u);
}

TEST(Profile, KeepsTheFirstStretches) {
  Profile profile;
  profile.begin(true);
  for (std::size_t i = 0; i < Profile::most_events + 10; ++i) {
    const Profile::Scope scope(profile, Phase::send, i);
  }
  EXPECT_EQ(profile.events().size(), Profile::most_events);
  EXPECT_EQ(profile.total(Phase::send).calls, Profile::most_events + 10);
  EXPECT_LE(profile.to_bytes().size(), Profile::most_bytes);
}

TEST(Profile, HostileBytesAreRefused) {
  const Bytes sound = busy().to_bytes();
  for (std::size_t size = 1; size < sound.size(); ++size)
    EXPECT_THROW(Profile::from_bytes({sound.data(), size}), tpc::Error) << size;
  Bytes more = sound;
  more.push_back(0);
  EXPECT_THROW(Profile::from_bytes(more), tpc::Error);
  Bytes unknown = sound;
  unknown[phases * 16 + 8] = 200;  // the first event's phase
  EXPECT_THROW(Profile::from_bytes(unknown), tpc::Error);
}

TEST(Profile, AWorkerThatSaidNothingIsNull) {
  RunProfile run;
  run.seconds = 1;
  run.server.begin(false);
  run.workers = {busy(), Profile()};
  const auto json = nlohmann::json::parse(profile_json(run));
  EXPECT_TRUE(json["workers"][1].is_null());
  EXPECT_EQ(json["workers"][0]["encode"]["calls"], 3);
  EXPECT_NE(profile_table(run).find("worker 0"), std::string::npos);
  run.workers = {Profile()};
  EXPECT_NE(profile_table(run).find("unknown"), std::string::npos);
}

}  // namespace
}  // namespace threepc
