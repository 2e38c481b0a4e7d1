// Reads the features of a side, and multiplies them with the weights.
#include "pg/features/live_features.h"

#include <numeric>

#include "core/features/feature_rows.h"
#include "pg/ids/id_args.h"
#include "pg/model/model_source.h"

namespace als::pg {

LiveFeatures::LiveFeatures(const Model& model, Side side, const IdType& type,
                           const std::optional<std::vector<Datum>>& ids)
    : model_(model),
      side_(side),
      weighted_(read_features(model, side)),
      source_(
          describe_features(trusted_features(model, side), side, model.source.id_col(side), type)),
      none_(&type),
      reader_(source_, none_) {
  weighted_.features.check_columns(source_, model.name);
  read(ids);
}

/// Ids of other types than the model's cannot be looked up there: then all are read.
void LiveFeatures::read(const std::optional<std::vector<Datum>>& ids) {
  const IdType& type = none_.type();
  const bool compares = server([&] {
    return is_widened(source_.id_type, type.collated()) ||
           is_widened(type.collated(), source_.id_type);
  });
  if (!ids || !compares) {
    reader_.read();
    return;
  }
  reader_.read(server([&] { return equals_condition(type, source_.id_col.c_str(), "any ($1)"); }),
               server([&] { return id_array(type, *ids); }));
}

std::vector<std::uint32_t> LiveFeatures::places_of(
    std::size_t n, const std::function<Datum(std::size_t i)>& id) const {
  std::vector<std::uint32_t> places(ids().size(), FeatureDictionary::kLeftOut);
  for (std::size_t i = 0; i < n; ++i) {
    const Datum wanted = id(i);
    const std::uint32_t row = server([&] { return ids().find(wanted); });
    if (row != IdDictionary::kMissing) places[row] = static_cast<std::uint32_t>(i);
  }
  return places;
}

LiveFeatures::Said LiveFeatures::of(std::size_t n, const std::function<Datum(std::size_t i)>& id,
                                    bool have_ratings, ThreadTeam& team) const {
  const std::vector<std::uint32_t> places = places_of(n, id);
  const CompressedRows rows = weighted_.features.encoded(reader_, places, n);
  Said said{expected_factors(rows, weighted_.weights_of(have_ratings), team),
            std::vector<std::uint64_t>(n)};
  check_expected(said.expected, model_, side_);
  const std::vector<std::uint64_t> sums =
      feature_checksums(rows, weighted_.features.features().size(), team);
  for (const std::uint32_t place : places)
    if (place != FeatureDictionary::kLeftOut) said.checksums[place] = sums[place];
  return said;
}

std::vector<std::uint64_t> LiveFeatures::checksums(ThreadTeam& team) const {
  std::vector<std::uint32_t> places(ids().size());
  std::iota(places.begin(), places.end(), 0U);
  return feature_checksums(weighted_.features.encoded(reader_, places, places.size()),
                           weighted_.features.features().size(), team);
}

}  // namespace als::pg
