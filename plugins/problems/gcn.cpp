// A graph convolutional network of two layers (Kipf and Welling 2017) whose nodes are split over the workers, after
// Scardapane, Spinelli, Di Lorenzo 2020.
//
// With A^ = D^-1/2 (A + I) D^-1/2 over all nodes, features X, and T training nodes of class y_v
//   P = softmax of the rows of A^ relu(A^ X W0) W1,    f = -(1/T) sum_v log P[v, y_v] + (l2/2) ||W||^2.
// The vector is W0 (features x hidden), then W1 (hidden x classes), both row by row; no bias; relu'(0) = 0.
//
// Worker k of n holds the rows of its nodes and an x of its own. It needs the products of its neighbours' rows, and
// they the derivatives by those: four exchanges, two forward and their mirrors. f_k = (n/T) sum over its own training
// nodes + (l2/2) ||W||^2, and g_k = n times the derivative of the loss by its own copy of W + l2 W: the mean of all g_k
// is grad f where the copies are equal.
#include <Eigen/SparseCore>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <map>
#include <threepc/sdk.hpp>
#include <vector>

#include "block_sizes.hpp"
#include "data/text_lines.hpp"
#include "graph/node_graph.hpp"
#include "graph/partition.hpp"

namespace {

struct GcnOptions : PartitionOptions {
  std::int64_t hidden = 16;
  double l2 = 0;
  std::optional<tpc::Path> weights;
};

template <auto Field>
constexpr auto param(const char* key, const char* doc, tpc::ParamTraits traits = {}) {
  return tpc::param<Field, GcnOptions>(key, doc, traits);
}

/// Row i of a worker has this node, and node v this row of its worker.
struct Places {
  std::vector<std::uint32_t> nodes;  // of this worker, ascending
  std::vector<std::uint32_t> row_of;

  Places(const std::vector<std::uint32_t>& owner, std::uint32_t workers, std::uint32_t worker) {
    std::vector<std::uint32_t> next(workers, 0);
    for (std::uint32_t v = 0; v < owner.size(); ++v) {
      row_of.push_back(next[owner[v]]++);
      if (owner[v] == worker) nodes.push_back(v);
    }
  }
};

/// A^[u, v] of neighbours, or of a node and itself.
double propagation(const NodeGraph& graph, std::uint32_t u, std::uint32_t v) {
  const auto degree = [&](std::uint32_t w) { return static_cast<double>(graph.neighbours[w].size() + 1); };
  return 1 / std::sqrt(degree(u)) * (1 / std::sqrt(degree(v)));
}

template <class T>
class Gcn {
 public:
  static constexpr tpc::About about = {
      .id = "gcn",
      .version = "1.0.0",
      .summary =
          "Graph convolutional network of two layers; nodes are split over the workers, which exchange what "
          "neighbours need.",
      .paper =
          "after Scardapane, Spinelli, Di Lorenzo, Distributed Training of Graph Convolutional Networks, IEEE "
          "TSIPN 2021, arXiv 2007.06281",
      .theory = "none: not convex and not smooth; give stepsize a number"};
  static constexpr auto params = tpc::params(
      param<&GraphOptions::graph>("graph",
                                  "edges, a line U V each, nodes from 0; without it a graph is generated: a "
                                  "planted partition, classes being communities"),
      param<&GraphOptions::features>("features", "of the nodes of a file, and their classes: LIBSVM, a row a node"),
      param<&GraphOptions::train>("train", "nodes whose class is known, as many of each class, drawn from the seed",
                                  {.minimum = 1, .maximum = 1 << 24}),
      param<&GraphOptions::train_nodes>("train_nodes", "a file that lists them, in place of a draw"),
      param<&GraphOptions::nodes>("nodes", "of a generated graph", {.minimum = 2, .maximum = 65536}),
      param<&GraphOptions::classes>("classes", "of a generated graph", {.minimum = 2, .maximum = 1024}),
      param<&GraphOptions::words>("words", "features of a generated graph; word j is of the topic j mod classes",
                                  {.minimum = 1, .maximum = 1 << 20}),
      param<&GraphOptions::p_in>("p_in", "chance of an edge within a class", {.minimum = 0, .maximum = 1}),
      param<&GraphOptions::p_out>("p_out", "chance of an edge between two", {.minimum = 0, .maximum = 1}),
      param<&GraphOptions::p_topic>("p_topic", "chance that a node has a word of its class",
                                    {.minimum = 0, .maximum = 1}),
      param<&GraphOptions::p_word>("p_word", "chance that it has another", {.minimum = 0, .maximum = 1}),
      param<&PartitionOptions::partition>("partition",
                                          "nodes of a worker: bfs: grown from a node of its own, breadth first; "
                                          "contiguous: runs of equal length; file: as owners says",
                                          {.choices = partition_names}),
      param<&PartitionOptions::owners>("owners",
                                       "for partition = \"file\": a worker a line, in the order of the nodes"),
      param<&GcnOptions::hidden>("hidden", "units of the hidden layer", {.minimum = 1, .maximum = 65536}),
      param<&GcnOptions::l2>("l2", "weight of l2/2 ||W||^2", {.minimum = 0}),
      param<&GcnOptions::weights>("weights", "a text file of all of W to start from; default: Glorot, from the seed"));
  static constexpr std::array metrics = {"train_accuracy", "test_accuracy"};
  static constexpr std::uint32_t exchanges = 4;

  Gcn(const GcnOptions& options, const tpc::Setup& setup)
      : host_(&setup.host()),
        start_context_(setup.first_round()),
        workers_(setup.workers()),
        hidden_(static_cast<std::uint32_t>(options.hidden)),
        l2_(options.l2) {
    fix_block_sizes();
    const NodeGraph graph = NodeGraph::make(options, setup);
    features_ = graph.feature_count;
    classes_ = graph.class_count;
    train_count_ = graph.train_count;
    digest_ = graph.digest;
    require_dim();
    if (options.weights) read_weights(std::string(options.weights->file));
    const std::vector<std::uint32_t> owner = partition_of(graph, options, setup);
    const Places places(owner, workers_, setup.worker());
    keep_rows(graph, places);
    link(graph, owner, places, setup.worker());
    start_context_.round = 3;  // of the problem's stream; those before are the graph's
  }

  tpc::Facts facts() const {
    return {.dim = features_ * hidden_ + hidden_ * classes_,
            .rows = class_of_.size(),
            .blocks = {{features_, hidden_}, {hidden_, classes_}},
            .data_digest = digest_};
  }

  /// Uniform in +-sqrt(6 / (rows + columns)) (Glorot and Bengio 2010).
  void start(std::span<T> x0) const {
    if (!weights_.empty()) {
      std::transform(weights_.begin(), weights_.end(), x0.begin(), [](double w) { return static_cast<T>(w); });
      return;
    }
    tpc::Random random(*host_, start_context_, tpc::Scope::shared_by_workers);
    const std::size_t first = std::size_t{features_} * hidden_;
    for (std::size_t i = 0; i < x0.size(); ++i) {
      const double bound = std::sqrt(6.0 / (i < first ? features_ + hidden_ : hidden_ + classes_));
      x0[i] = static_cast<T>(bound * (2 * random.uniform() - 1));
    }
  }

  /// Of a worker that has no peers; others take part in an exchange.
  double evaluate(const tpc::Context& context, std::span<const T> x, std::span<T> gradient, bool) {
    if (!peers_.empty())
      throw tpc::Error(TPC_UNSUPPORTED,
                       "a worker of several needs what its peers say: the host has to play the stages");
    for (std::uint32_t s = 0; s < exchanges; ++s) stage(context, s, x, {}, {});
    std::vector<T> unwanted(gradient.empty() ? x.size() : 0);
    return finish(context, x, {}, gradient.empty() ? std::span<T>(unwanted) : gradient);
  }

  tpc::Peers peers() const { return {peers_, longest_}; }

  void stage(const tpc::Context&, std::uint32_t stage, std::span<const T> x, std::span<const tpc::Parcel> in,
             std::span<tpc::Parcel> out) {
    switch (stage) {
      case 0:
        product_.noalias() = x_ * first(x);
        return tell(out);
      case 1:
        before_ = gathered(in);
        active_ = before_.unaryExpr([](T z) { return z < 0 ? T{0} : z; });  // NaN stays NaN
        product_.noalias() = active_ * second(x);
        return tell(out);
      case 2:
        differentiate_loss(gathered(in));
        return tell_back(out);
      default:
        back_ = gathered_back(in);
        derivative_ = (back_ * second(x).transpose()).cwiseProduct(before_.unaryExpr([](T z) { return T(z > 0); }));
        return tell_back(out);
    }
  }

  double finish(const tpc::Context&, std::span<const T> x, std::span<const tpc::Parcel> in, std::span<T> gradient) {
    const Matrix back = gathered_back(in);
    const auto n = static_cast<T>(workers_), l2 = static_cast<T>(l2_);
    const std::size_t size = std::size_t{features_} * hidden_;
    Eigen::Map<Matrix>(gradient.data(), features_, hidden_) = n * (x_.transpose() * back) + l2 * first(x);
    Eigen::Map<Matrix>(gradient.data() + size, hidden_, classes_) = n * (active_.transpose() * back_) + l2 * second(x);
    return loss_ * workers_ / train_count_ + l2_ / 2 * tpc::norm_sq(x);
  }

  /// Accuracies over all nodes whose class was known, and over all others.
  tpc::Share metric(std::size_t k) const { return shares_[k]; }

 private:
  using Matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  using Sparse = Eigen::SparseMatrix<T, Eigen::RowMajor>;
  using Entries = std::vector<Eigen::Triplet<T>>;
  using Weights = Eigen::Map<const Matrix>;

  /// What passes between this worker and a peer: rows of either that have a neighbour at the other, in their order.
  struct Border {
    std::vector<std::uint32_t> own;  // rows of this worker
    Sparse from;                     // A^ from the peer's listed rows to this worker's
  };

  Weights first(std::span<const T> x) const { return {x.data(), features_, hidden_}; }
  Weights second(std::span<const T> x) const {
    return {x.data() + std::size_t{features_} * hidden_, hidden_, classes_};
  }

  void require_dim() const {
    constexpr std::uint64_t largest_dim = 4294967294;
    if ((std::uint64_t{features_} + classes_) * hidden_ > largest_dim)
      throw tpc::BadParameter("hidden",
                              tpc::text("(", features_, " features + ", classes_, " classes) x hidden = ", hidden_,
                                        " is more than the ", largest_dim, " coordinates that a run can have"));
  }

  void read_weights(const std::string& file) {
    weights_ = read_reals(file);
    const std::size_t expected = (std::size_t{features_} + classes_) * hidden_;
    if (weights_.size() != expected)
      throw tpc::Corrupt(tpc::text(file, ": expected ", expected, " numbers, (", features_, " features + ", classes_,
                                   " classes) x ", hidden_, " hidden, seen ", weights_.size()));
  }

  void keep_rows(const NodeGraph& graph, const Places& places) {
    Entries entries;
    for (std::uint32_t row = 0; row < places.nodes.size(); ++row) {
      const std::uint32_t v = places.nodes[row];
      for (std::size_t i = graph.features.row_begin[v]; i < graph.features.row_begin[v + 1]; ++i)
        entries.emplace_back(row, graph.features.columns[i], static_cast<T>(graph.features.values[i]));
      class_of_.push_back(graph.class_of[v]);
      is_train_.push_back(graph.is_train[v]);
    }
    x_.resize(static_cast<Eigen::Index>(places.nodes.size()), features_);
    x_.setFromTriplets(entries.begin(), entries.end());
  }

  /// A^ of this worker's rows: from its own, and from each peer's.
  void link(const NodeGraph& graph, const std::vector<std::uint32_t>& owner, const Places& places,
            std::uint32_t worker) {
    Entries own;
    std::map<std::uint32_t, std::map<std::uint32_t, Entries>> from;  // peer, node, entries in column 0
    for (std::uint32_t row = 0; row < places.nodes.size(); ++row) {
      const std::uint32_t v = places.nodes[row];
      own.emplace_back(row, row, static_cast<T>(propagation(graph, v, v)));
      for (const std::uint32_t u : graph.neighbours[v]) {
        const auto weight = static_cast<T>(propagation(graph, v, u));
        if (owner[u] == worker)
          own.emplace_back(row, places.row_of[u], weight);
        else
          from[owner[u]][u].emplace_back(row, 0, weight);
      }
    }
    const auto rows = static_cast<Eigen::Index>(places.nodes.size());
    own_.resize(rows, rows);
    own_.setFromTriplets(own.begin(), own.end());
    for (const auto& [peer, nodes] : from) add_border(graph, owner, places, peer, nodes);
    longest_ = longest_exchange(graph, owner);
  }

  void add_border(const NodeGraph& graph, const std::vector<std::uint32_t>& owner, const Places& places,
                  std::uint32_t peer, const std::map<std::uint32_t, Entries>& nodes) {
    Entries entries;
    int column = 0;
    for (const auto& [node, all] : nodes) {
      for (const auto& entry : all) entries.emplace_back(entry.row(), column, entry.value());
      ++column;
    }
    Border& border = borders_.emplace_back();
    peers_.push_back(peer);
    border.from.resize(static_cast<Eigen::Index>(places.nodes.size()), column);
    border.from.setFromTriplets(entries.begin(), entries.end());
    for (std::uint32_t row = 0; row < places.nodes.size(); ++row) {
      const std::vector<std::uint32_t>& near = graph.neighbours[places.nodes[row]];
      if (std::any_of(near.begin(), near.end(), [&](std::uint32_t u) { return owner[u] == peer; }))
        border.own.push_back(row);
    }
  }

  /// Of any worker's: a node is said to a worker at most once for each of its edges.
  std::uint64_t longest_exchange(const NodeGraph& graph, const std::vector<std::uint32_t>& owner) const {
    std::vector<std::uint64_t> crossing(workers_, 0);
    for (std::uint32_t v = 0; v < graph.size(); ++v)
      for (const std::uint32_t u : graph.neighbours[v]) crossing[owner[v]] += owner[u] != owner[v];
    return *std::max_element(crossing.begin(), crossing.end()) * std::max(hidden_, classes_) * sizeof(T);
  }

  tpc::Parcel pack(std::size_t k, const Matrix& rows) {
    parcels_.resize(peers_.size());
    parcels_[k].resize(static_cast<std::size_t>(rows.size()) * sizeof(T));
    if (rows.size() > 0) std::memcpy(parcels_[k].data(), rows.data(), parcels_[k].size());
    return parcels_[k];
  }

  /// The rows of product_ that each peer needs.
  void tell(std::span<tpc::Parcel> out) {
    for (std::size_t k = 0; k < borders_.size(); ++k) out[k] = pack(k, product_(borders_[k].own, Eigen::all));
  }

  /// The derivatives by the rows that each peer has told.
  void tell_back(std::span<tpc::Parcel> out) {
    for (std::size_t k = 0; k < borders_.size(); ++k) out[k] = pack(k, borders_[k].from.transpose() * derivative_);
  }

  Matrix unpack(std::size_t k, std::span<const tpc::Parcel> in, Eigen::Index rows, Eigen::Index width) const {
    const auto size = static_cast<std::size_t>(rows * width) * sizeof(T);
    if (in[k].size() != size)
      throw tpc::Corrupt(tpc::text("worker ", peers_[k], " said ", in[k].size(), " bytes, expected ", size));
    Matrix out(rows, width);
    if (size > 0) std::memcpy(out.data(), in[k].data(), size);
    return out;
  }

  /// The rows of A^ times what all have told: its own part first, then its peers', ascending.
  Matrix gathered(std::span<const tpc::Parcel> in) const {
    Matrix out = own_ * product_;
    for (std::size_t k = 0; k < borders_.size(); ++k)
      out += borders_[k].from * unpack(k, in, borders_[k].from.cols(), product_.cols());
    return out;
  }

  Matrix gathered_back(std::span<const tpc::Parcel> in) const {
    Matrix out = own_.transpose() * derivative_;
    for (std::size_t k = 0; k < borders_.size(); ++k) {
      const std::vector<std::uint32_t>& own = borders_[k].own;
      out(own, Eigen::all) += unpack(k, in, static_cast<Eigen::Index>(own.size()), derivative_.cols());
    }
    return out;
  }

  /// derivative_ <- of the loss by the scores; with it what the metrics say.
  void differentiate_loss(const Matrix& scores) {
    derivative_.setZero(scores.rows(), scores.cols());
    loss_ = 0;
    shares_ = {};
    for (Eigen::Index row = 0; row < scores.rows(); ++row) {
      const auto r = static_cast<std::size_t>(row);
      Eigen::Index best = 0;
      scores.row(row).maxCoeff(&best);
      tpc::Share& share = shares_[is_train_[r] ? 0 : 1];
      share.sum += best == static_cast<Eigen::Index>(class_of_[r]);
      share.weight += 1;
      if (is_train_[r]) differentiate_row(scores, row, class_of_[r]);
    }
  }

  void differentiate_row(const Matrix& scores, Eigen::Index row, std::uint32_t own) {
    const Eigen::RowVectorXd s = scores.row(row).template cast<double>();
    const double largest = s.maxCoeff();
    const double log_sum = std::log((s.array() - largest).exp().sum()) + largest;
    loss_ += log_sum - s[own];
    Eigen::RowVectorXd p = (s.array() - log_sum).exp();
    p[own] -= 1;
    derivative_.row(row) = (p / train_count_).template cast<T>();
  }

  const tpc_host* host_;
  tpc_context start_context_;
  std::uint32_t workers_, features_ = 0, hidden_, classes_ = 0, train_count_ = 0;
  double l2_;
  std::uint64_t digest_ = 0;
  std::vector<double> weights_;  // to start from; empty: Glorot's
  std::vector<std::uint32_t> class_of_;
  std::vector<bool> is_train_;
  Sparse x_, own_;
  std::vector<std::uint32_t> peers_;
  std::vector<Border> borders_;  // one a peer
  std::uint64_t longest_ = 0;
  std::vector<std::vector<std::uint8_t>> parcels_;
  // Of the evaluation that it is in: X W0 or H W1, A^ X W0, H, dZ1, and the derivative that goes back next.
  Matrix product_, before_, active_, back_, derivative_;
  double loss_ = 0;
  std::array<tpc::Share, 2> shares_ = {};
};

}  // namespace

THREEPC_PLUGINS(tpc::problem<Gcn>);
