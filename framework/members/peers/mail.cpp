#include "members/peers/mail.hpp"

#include <string>

#include "members/messages.hpp"

namespace threepc {

Bytes first_mail(const Network& network) {
  Bytes out;
  append(out, network.digest());
  return out;
}

Bytes mail_for(std::uint32_t worker, const Network& network, const std::vector<Bytes>& published) {
  Bytes out;
  for (const tpc::Link& link : network.graph.to(worker)) {
    const Bytes& said = published[link.from];
    append(out, std::uint64_t{said.size()});
    out.insert(out.end(), said.begin(), said.end());
  }
  return out;
}

std::vector<GraphNode::Heard> open_mail(std::uint64_t round, std::uint32_t worker, const Network& network,
                                        std::span<const std::uint8_t> mail) {
  tpc::Reader in(mail.data(), mail.size());
  std::vector<GraphNode::Heard> out;
  if (round == 0 && in.get<std::uint64_t>() != network.digest())
    throw Failure(Exit::usage, "the server mixes by another graph than " + worker_name(worker) +
                                   "; give both the same file of links");
  for (const tpc::Link& link : network.graph.to(worker)) {
    if (round == 0) break;
    const auto publication = unseal(in.take_span(in.get<std::uint64_t>()), round - 1);
    if (!publication)
      throw Failure(Exit::peer, "malformed message: what " + worker_name(link.from) + " published in round " +
                                    std::to_string(round - 1) + " was damaged on its way to " + worker_name(worker));
    out.push_back({link.from, *publication});
  }
  in.finish();
  return out;
}

std::vector<std::span<const std::uint8_t>> programs_of(std::span<const std::uint8_t> publication, std::size_t count) {
  tpc::Reader in(publication.data(), publication.size());
  std::vector<std::span<const std::uint8_t>> out;
  while (out.size() < count) out.push_back(in.take_span(in.get<std::uint64_t>()));
  in.finish();
  return out;
}

}  // namespace threepc
