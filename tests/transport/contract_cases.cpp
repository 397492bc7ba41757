// The transports that the suite runs on.
#include "contract.hpp"

namespace transport_test {
namespace {

const Case all_transports[] = {{"inproc", false}, {"shm", true}, {"tcp", true}};
const Case between_processes[] = {{"shm", true}, {"tcp", true}};

std::string name_of(const testing::TestParamInfo<Case>& which) { return which.param.id; }

}  // namespace

INSTANTIATE_TEST_SUITE_P(All, TransportStar,
                         testing::Combine(testing::ValuesIn(all_transports), testing::Values(1u, 3u, 16u, 64u)),
                         [](const auto& which) {
                           return std::get<0>(which.param).id + "_" + std::to_string(std::get<1>(which.param));
                         });
INSTANTIATE_TEST_SUITE_P(All, TransportContract, testing::ValuesIn(all_transports), name_of);
INSTANTIATE_TEST_SUITE_P(All, TransportRejoin, testing::ValuesIn(all_transports), name_of);
INSTANTIATE_TEST_SUITE_P(All, TransportProcesses, testing::ValuesIn(between_processes), name_of);

}  // namespace transport_test
