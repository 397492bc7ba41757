// Plugins that only have descriptors worth reading: every type of parameter, bounds, choices, slots of both
// kinds. Nothing of them is ever created.
#include <threepc/sdk.hpp>

namespace {

template <class T>
class Whole {
 public:
  static constexpr tpc::About about = {.id = "whole", .version = "1.0.0", .summary = "Keeps everything."};
  static constexpr auto params = tpc::params();
  Whole(const tpc::NoOptions&, const tpc::Setup&) {}
  tpc::Constants constants() const { return {.alpha = 1}; }
  std::uint64_t max_payload() const { return 0; }
  void encode(const tpc::Context&, std::span<const T>, tpc::Writer&) {}
  template <class Sum>
  std::uint64_t accumulate(const tpc::Context&, tpc::Reader&, Sum&) const {
    return 0;
  }
};

struct PartOptions {
  std::optional<std::int64_t> k;
  std::optional<double> fraction;
};

template <class T>
class Part : public Whole<T> {
 public:
  static constexpr tpc::About about = {.id = "part", .version = "1.0.0", .summary = "Keeps a part."};
  static constexpr auto params =
      tpc::params(tpc::param<&PartOptions::k>("k", "coordinates kept", {.minimum = 1, .maximum = 4294967294.0}),
                  tpc::param<&PartOptions::fraction>("fraction", "a share of d",
                                                     {.minimum = 0, .maximum = 1, .above_minimum = true}));
  Part(const PartOptions&, const tpc::Setup& setup) : Whole<T>({}, setup) {}
};

template <class T>
class Plain {
 public:
  static constexpr tpc::About about = {.id = "plain", .version = "1.0.0", .summary = "Sends the gradient."};
  static constexpr auto params = tpc::params();
  Plain(const tpc::NoOptions&, const tpc::Setup&) {}
  tpc::Constants constants(std::span<const tpc::Constants>) const { return {}; }
  void propose(const tpc::Context&, const tpc::Points<T>&, tpc::Program<T>&) {}
};

struct LazyOptions {
  double zeta = 1;
};

template <class T>
class Lazy : public Plain<T> {
 public:
  static constexpr tpc::About about = {.id = "lazy", .version = "1.0.0", .summary = "Sends now and then."};
  static constexpr auto params = tpc::params(tpc::param<&LazyOptions::zeta>("zeta", "laziness", {.minimum = 0}));
  static constexpr std::array slots = {
      tpc::compressor_slot("compressor", tpc::Accepts::contractive, "what compresses x - h")};
  Lazy(const LazyOptions&, const tpc::Setup& setup) : Plain<T>({}, setup) {}
};

template <class T>
class Nested : public Plain<T> {
 public:
  static constexpr tpc::About about = {.id = "nested", .version = "1.0.0", .summary = "Corrects another mechanism."};
  static constexpr std::array slots = {
      tpc::mechanism_slot("inner", "what moves h first"),
      tpc::compressor_slot("compressor", tpc::Accepts::contractive, "what compresses the rest")};
  Nested(const tpc::NoOptions&, const tpc::Setup& setup) : Plain<T>({}, setup) {}
};

template <class T>
class Descent {
 public:
  static constexpr tpc::About about = {.id = "gd", .version = "1.0.0", .summary = "Descends."};
  static constexpr auto params = tpc::params();
  Descent(const tpc::NoOptions&, const tpc::Setup&) {}
  void step(const tpc::Context&, std::span<const T>, std::span<T>, tpc::State<T>) {}
};

struct ToyOptions {
  std::int64_t dim = 0;
  tpc::Path data;
  std::string_view shape = "round";
  bool shuffle = false;
  double scale = 0.1;
  std::optional<tpc::Reals> levels;
};

constexpr const char* shapes[] = {"round", "square"};

template <class T>
class Toy {
 public:
  static constexpr tpc::About about = {.id = "toy", .version = "1.0.0", .summary = "Nothing to solve."};
  static constexpr auto params = tpc::params(
      tpc::param<&ToyOptions::dim>("dim", "number of coordinates", {.minimum = 1, .maximum = 1e6, .required = true}),
      tpc::param<&ToyOptions::shape>("shape", "of the level sets", {.choices = shapes}),
      tpc::param<&ToyOptions::shuffle>("shuffle", "whether rows are shuffled"),
      tpc::param<&ToyOptions::scale>("scale", "of everything", {.minimum = -1, .maximum = 1}),
      tpc::param<&ToyOptions::levels>("levels", "of the contour lines", {.minimum = -1, .maximum = 1e3}));
  Toy(const ToyOptions&, const tpc::Setup&) {}
  tpc::Facts facts() const { return {}; }
  void start(std::span<T>) const {}
  double evaluate(const tpc::Context&, std::span<const T>, std::span<T>, bool) { return 0; }
};

template <class T>
class OnFile : public Toy<T> {
 public:
  static constexpr tpc::About about = {.id = "onfile", .version = "1.0.0", .summary = "Reads a file."};
  static constexpr auto params = tpc::params(tpc::param<&ToyOptions::data>("data", "the file", {.required = true}));
  OnFile(const ToyOptions& options, const tpc::Setup& setup) : Toy<T>(options, setup) {}
};

struct NetOptions {
  std::string_view host = "127.0.0.1";
  std::int64_t port = 0;
};

class Inproc {
 public:
  static constexpr tpc::About about = {.id = "inproc", .version = "1.0.0", .summary = "Stays here."};
  static constexpr auto params = tpc::params();
  Inproc(const tpc::NoOptions&, const tpc::Setup&) {}
  void open(std::string_view, tpc::Deadline) {}
  std::string address() const { return ""; }
  void join(tpc::Deadline) {}
  void send(std::uint32_t, const tpc_message&, tpc::Deadline) {}
  tpc_message receive(std::uint32_t, tpc::Deadline) { return {}; }
  void cancel() noexcept {}
  tpc_traffic traffic() const { return {}; }
  void close(tpc::Deadline) {}
};

class Net : public Inproc {
 public:
  static constexpr tpc::About about = {.id = "net", .version = "1.0.0", .summary = "Goes out."};
  static constexpr auto params =
      tpc::params(tpc::param<&NetOptions::host>("host", "where the server listens"),
                  tpc::param<&NetOptions::port>("port", "its port", {.minimum = 0, .maximum = 65535}));
  Net(const NetOptions&, const tpc::Setup& setup) : Inproc({}, setup) {}
};

constexpr tpc_descriptor only_in_double() {
  tpc_descriptor descriptor = tpc::compressor<Whole>;
  descriptor.id = "whole64";
  descriptor.dtypes = TPC_F64;
  return descriptor;
}
constexpr tpc_descriptor whole64 = only_in_double();

}  // namespace

THREEPC_PLUGINS(tpc::compressor<Whole>, tpc::compressor<Part>, whole64, tpc::mechanism<Plain>, tpc::mechanism<Lazy>,
                tpc::mechanism<Nested>, tpc::optimizer<Descent>, tpc::problem<Toy>, tpc::problem<OnFile>,
                tpc::transport<Inproc>, tpc::transport<Net>);
