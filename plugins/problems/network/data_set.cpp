#include "data_set.hpp"

#include <utility>

namespace {

/// Selection sampling (Knuth, Algorithm 3.4.2 S): `count` of `rows` numbers, ascending, and the others.
Parts draw(std::size_t count, std::size_t rows, tpc::Random& random) {
  Parts out;
  for (std::size_t r = 0; r < rows; ++r) {
    const bool chosen = random.below(static_cast<std::uint32_t>(rows - r)) < count - out.held_out.size();
    (chosen ? out.held_out : out.training).push_back(static_cast<std::uint32_t>(r));
  }
  return out;
}

Parts divide(const DataOptions& options, const tpc::Setup& setup, std::size_t rows) {
  const auto count = static_cast<std::size_t>(options.held_out * static_cast<double>(rows));
  if (options.held_out > 0 && count == 0)
    throw tpc::BadParameter("held_out",
                            tpc::text("a share of ", options.held_out, " of ", rows, " rows is less than one row"));
  tpc_context context = setup.first_round();
  context.round = 2;  // of the problem's stream: 0 is the split's, 1 the start's
  tpc::Random random(setup.host(), context, tpc::Scope::shared_by_workers);
  return draw(count, rows, random);
}

template <class V>
std::vector<V> pick(const std::vector<V>& from, std::span<const std::uint32_t> which) {
  std::vector<V> out;
  for (const std::uint32_t i : which) out.push_back(from[i]);
  return out;
}

/// The worker's of nearly equal runs.
std::vector<std::uint32_t> part_of(const std::vector<std::uint32_t>& rows, const tpc::Setup& setup) {
  const auto at = [&](std::uint64_t worker) {
    return rows.begin() + static_cast<std::ptrdiff_t>(rows.size() * worker / setup.workers());
  };
  return {at(setup.worker()), at(setup.worker() + 1)};
}

}  // namespace

DataSet::DataSet(const DataOptions& options) {
  if (options.label_file)
    open_images(options);
  else
    open_text(options);
  if (options.wants_values())
    targets_ = labels();
  else
    find_classes(options);
}

void DataSet::open_images(const DataOptions& options) {
  images_ = IdxImages::open(std::string(options.data.file));
  labels_ = read_idx_labels(std::string(options.label_file->file), images_->count());
  if (options.scale != "none")
    throw tpc::BadParameter("scale", "is for LIBSVM text; pixels are divided by 255 as they are");
  if (options.features) throw tpc::BadParameter("features", "is for LIBSVM text; an image has the pixels that it has");
}

void DataSet::open_text(const DataOptions& options) {
  try {
    text_ = options.open();
  } catch (const tpc::Corrupt&) {
    if (!is_idx_images(std::string(options.data.file))) throw;
    throw tpc::BadParameter("labels", tpc::text(options.data.file,
                                                " has images: expected the IDX file of their "
                                                "labels, got none"));
  }
}

void DataSet::find_classes(const DataOptions& options) {
  constexpr std::size_t most = 65536;
  const std::vector<double> classes = options.classes([&] { return distinct_labels(); }, "classes");
  if (classes.size() > most)
    throw tpc::Corrupt(tpc::text(name(), ": expected at most ", most, " classes, seen ", classes.size(),
                                 " distinct labels; are they real targets? choose loss mse and targets values"));
  outputs_ = static_cast<std::uint32_t>(classes.size());
  const std::vector<std::uint32_t> numbers = class_of_rows(classes);
  targets_.assign(numbers.begin(), numbers.end());
}

std::vector<double> DataSet::distinct_labels() const {
  if (text_) return text_->classes();
  std::vector<double> out = labels_.labels;
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  if (out.size() < 2)
    throw tpc::Corrupt(tpc::text(name(), ": expected two classes or more, seen the label ", out.at(0), " alone"));
  return out;
}

std::vector<std::uint32_t> DataSet::class_of_rows(std::span<const double> classes) const {
  if (text_) return text_->class_of_rows(classes);
  std::vector<std::uint32_t> out;
  for (const double label : labels_.labels) {
    const auto at = std::find(classes.begin(), classes.end(), label);
    if (at == classes.end())
      throw tpc::Corrupt(tpc::text(name(), ": image ", out.size(), " has the label ", label, ", expected one of the ",
                                   classes.size(), " that `classes` lists"));
    out.push_back(static_cast<std::uint32_t>(at - classes.begin()));
  }
  return out;
}

std::vector<std::uint8_t> DataSet::pixels(std::span<const std::uint32_t> rows) const {
  std::vector<std::uint8_t> out;
  out.reserve(rows.size() * images_->pixels());
  for (const std::uint32_t r : rows) {
    const std::span<const std::uint8_t> image = images_->image(r);
    out.insert(out.end(), image.begin(), image.end());
  }
  return out;
}

Parts DataSet::parts(const DataOptions& options, const tpc::Setup& setup) const {
  Parts all = divide(options, setup, labels().size());
  const auto own = rows_of_worker(options, setup, all.training.size(), pick(labels(), all.training), name());
  all.training = pick(all.training, own);
  if (!options.own_data()) all.held_out = part_of(all.held_out, setup);
  return all;
}
