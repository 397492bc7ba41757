// Defaults of the sanitizers' runtimes, for every program of a sanitizer build. What the environment says
// (ASAN_OPTIONS, TSAN_OPTIONS, LSAN_OPTIONS) comes after them.
//
// intercept_tls_get_addr=0: up to GCC 13 and LLVM 16 the runtime takes a block of thread-local storage for one of
// glibc 2.19's when its address ends in certain digits, and the two words before it for its place and its length.
// Then LeakSanitizer ends with "Tracer caught signal 11" and ThreadSanitizer with "failed to allocate", now and then.
#define THREEPC_OPTIONS "intercept_tls_get_addr=0"

const char* __asan_default_options(void);
const char* __lsan_default_options(void);
const char* __tsan_default_options(void);

__attribute__((visibility("default"))) const char* __asan_default_options(void) { return THREEPC_OPTIONS; }
__attribute__((visibility("default"))) const char* __lsan_default_options(void) { return THREEPC_OPTIONS; }
__attribute__((visibility("default"))) const char* __tsan_default_options(void) { return THREEPC_OPTIONS; }
