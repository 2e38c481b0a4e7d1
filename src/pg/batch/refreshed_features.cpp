// Reads the features of a side for a refresh.
#include "pg/batch/refreshed_features.h"

#include "core/features/feature_rows.h"
#include "pg/model/model_source.h"

namespace als::pg {

RefreshedFeatures::RefreshedFeatures(const Model& model, Side side, const IdType& type)
    : weighted_(read_features(model, side)),
      source_(
          describe_features(trusted_features(model, side), side, model.source.id_col(side), type)),
      none_(&type),
      reader_(source_, none_) {
  weighted_.features.check_columns(source_, model.name);
  reader_.read();
}

Factors RefreshedFeatures::expected(std::size_t n, const std::function<Datum(std::size_t i)>& id,
                                    ThreadTeam& team) const {
  std::vector<std::uint32_t> places(ids().size(), FeatureDictionary::kLeftOut);
  for (std::size_t i = 0; i < n; ++i) {
    const Datum wanted = id(i);
    const std::uint32_t row = server([&] { return ids().find(wanted); });
    if (row != IdDictionary::kMissing) places[row] = static_cast<std::uint32_t>(i);
  }
  return expected_factors(weighted_.features.encoded(reader_, places, n), weighted_.weights, team);
}

}  // namespace als::pg
