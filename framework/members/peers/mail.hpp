// What the server of a graph passes on to a worker: what its in-neighbours published in the round before.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "members/peers/node.hpp"

namespace threepc {

/// Of round 0: the digest of the graph (u64). Later, for each in-neighbour in ascending order, the size (u64) of what
/// it published and that, its program sizes, programs and checksum, unopened.
Bytes first_mail(const Network& network);
/// `published` has what each worker said in the round before.
Bytes mail_for(std::uint32_t worker, const Network& network, const std::vector<Bytes>& published);

/// Opens the mail of `round` for `worker`. Throws Failure: Exit::usage, where the server mixes by another graph;
/// Exit::peer, which names the in-neighbour, for what was damaged on its way; tpc::Error for what is no mail.
std::vector<GraphNode::Heard> open_mail(std::uint64_t round, std::uint32_t worker, const Network& network,
                                        std::span<const std::uint8_t> mail);

/// The programs of a publication. Throws tpc::Error unless it has as many.
std::vector<std::span<const std::uint8_t>> programs_of(std::span<const std::uint8_t> publication, std::size_t count);

}  // namespace threepc
