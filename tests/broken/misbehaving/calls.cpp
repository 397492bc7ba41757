// Compressors that break the rules of a call: exceptions, statuses, texts, buffers.
#include <cfenv>
#include <stdexcept>

#include "sound.hpp"

namespace {

using broken::spoilt;
using broken::Table;

template <class T>
class ThrowingConstructor : public broken::Sound<T> {
 public:
  static constexpr tpc::About about = {
      .id = "throwing-constructor", .version = "1.0.0", .summary = "Its constructor throws."};
  ThrowingConstructor(const tpc::NoOptions& options, const tpc::Setup& setup) : broken::Sound<T>(options, setup) {
    throw std::runtime_error("the table of logarithms is missing");
  }
};

template <class T>
class Outgrown : public broken::Sound<T> {
 public:
  static constexpr tpc::About about = {.id = "outgrown", .version = "1.0.0", .summary = "max_payload is too small."};
  using broken::Sound<T>::Sound;
  std::uint64_t max_payload() const { return sizeof(T); }
};

constexpr Table exception_table = spoilt([](Table& t) {
  t.constants = [](void*, tpc_constants*, tpc_error*) -> tpc_status { throw std::runtime_error("not mine to catch"); };
});
constexpr auto crossing_exception = broken::compressor("crossing-exception", exception_table);

constexpr Table odd_exception_table =
    spoilt([](Table& t) { t.constants = [](void*, tpc_constants*, tpc_error*) -> tpc_status { throw 42; }; });
constexpr auto crossing_int = broken::compressor("crossing-int", odd_exception_table);

constexpr Table no_instance_table = spoilt([](Table& t) {
  t.create = [](const tpc_host*, const tpc_setup*, void**, tpc_error*) -> tpc_status { return TPC_OK; };
});
constexpr auto no_instance = broken::compressor("no-instance", no_instance_table);

constexpr Table unknown_status_table =
    spoilt([](Table& t) { t.constants = [](void*, tpc_constants*, tpc_error*) -> tpc_status { return 77; }; });
constexpr auto unknown_status = broken::compressor("unknown-status", unknown_status_table);

constexpr Table negative_status_table =
    spoilt([](Table& t) { t.constants = [](void*, tpc_constants*, tpc_error*) -> tpc_status { return -1; }; });
constexpr auto negative_status = broken::compressor("negative-status", negative_status_table);

constexpr Table silent_table = spoilt(
    [](Table& t) { t.constants = [](void*, tpc_constants*, tpc_error*) -> tpc_status { return TPC_INTERNAL; }; });
constexpr auto silent_failure = broken::compressor("silent-failure", silent_table);

constexpr Table endless_table = spoilt([](Table& t) {
  t.constants = [](void*, tpc_constants*, tpc_error* error) -> tpc_status {
    std::memset(error->text, 'x', sizeof error->text);
    std::memset(error->key, 'k', sizeof error->key);
    return TPC_INTERNAL;
  };
});
constexpr auto endless_text = broken::compressor("endless-text", endless_table);

constexpr Table overrun_table = spoilt([](Table& t) {
  t.encode = [](void*, const tpc_context*, const void*, const void*, tpc_buffer* out, tpc_error*) -> tpc_status {
    std::memset(out->data, 0, out->capacity + 5);
    out->size = out->capacity;
    return TPC_OK;
  };
});
constexpr auto overrun = broken::compressor("overrun", overrun_table);

constexpr Table rounding_table = spoilt([](Table& t) {
  t.encode = [](void*, const tpc_context*, const void*, const void*, tpc_buffer*, tpc_error*) -> tpc_status {
    std::fesetround(FE_UPWARD);
    return TPC_OK;
  };
});
constexpr auto rounds_up = broken::compressor("rounds-up", rounding_table);

constexpr Table oversized_table = spoilt([](Table& t) {
  t.encode = [](void*, const tpc_context*, const void*, const void*, tpc_buffer* out, tpc_error*) -> tpc_status {
    out->size = out->capacity + 1;
    return TPC_OK;
  };
});
constexpr auto oversized = broken::compressor("oversized", oversized_table);

constexpr Table unbounded_table = spoilt([](Table& t) { t.max_payload = [](void*) { return UINT64_MAX; }; });
constexpr auto unbounded = broken::compressor("unbounded", unbounded_table);

}  // namespace

THREEPC_PLUGINS(tpc::compressor<ThrowingConstructor>, tpc::compressor<Outgrown>, crossing_exception, crossing_int,
                no_instance, unknown_status, negative_status, silent_failure, endless_text, overrun, rounds_up,
                oversized, unbounded);
