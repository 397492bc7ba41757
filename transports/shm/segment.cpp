#include "segment.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

namespace threepc::shm {

Segment::Segment(std::uint64_t ring)
    : file_(checked(memfd_create("threepc", MFD_CLOEXEC | MFD_ALLOW_SEALING), "make shared memory")), ring_(ring) {
  if (ftruncate(file_.number(), static_cast<off_t>(size())) != 0) throw system_error("size shared memory");
  if (fcntl(file_.number(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
    throw system_error("seal shared memory");
  map();
}

Segment::Segment(Descriptor file, std::uint64_t ring) : file_(std::move(file)), ring_(ring) {
  struct stat found {};
  if (fstat(file_.number(), &found) != 0) throw system_error("look at the shared memory");
  const int seals = fcntl(file_.number(), F_GET_SEALS);
  if (seals < 0 || (seals & F_SEAL_SHRINK) == 0 || static_cast<std::uint64_t>(found.st_size) != size())
    throw tpc::Corrupt("the server's shared memory has not the size that it says, or may shrink");
  map();
  file_.reset();
}

Segment::~Segment() {
  if (memory_ != nullptr) munmap(memory_, size());
}

void Segment::map() {
  void* const at = mmap(nullptr, size(), PROT_READ | PROT_WRITE, MAP_SHARED, file_.number(), 0);
  if (at == MAP_FAILED) throw system_error("map shared memory");
  memory_ = static_cast<std::uint8_t*>(at);
}

}  // namespace threepc::shm
