// Counts ratings per user, and scores a sample of users.
#include "pg/report/report_users.h"

#include <map>

#include "core/linalg/products.h"
#include "core/search/top_k.h"
#include "pg/cache/factor_loader.h"
#include "pg/ids/id_equality.h"

namespace als::pg {

namespace {

constexpr std::size_t kSampledUsers = 256;
constexpr std::size_t kSampledItems = 400;

struct SampledUser {
  std::vector<float> vector;
  float bias;
};

/// The users whose ids have the least hashes: a sample that depends on the ids alone.
using UserSample = std::map<std::uint64_t, SampledUser>;

}  // namespace

void report_users(ServedModel& served, const std::vector<std::uint32_t>& items, ReportData& data) {
  const Model& model = served.model();
  const IdType& type = served.id_type(Side::kUsers);
  UserSample sample;
  SPIPlanPtr plan = prepare(std::string("select user_id, ") + kFactorColumns + " from only " +
                            locked_name(model.factor_table(Side::kUsers)));
  for_each_row(plan, {}, {type.oid, FLOAT4ARRAYOID, FLOAT4OID, INT4OID}, [&](TupleTableSlot* slot) {
    if (slot->tts_isnull[0] || slot->tts_isnull[1]) return;
    data.ratings_per_user.add(slot->tts_isnull[3] ? 0 : DatumGetInt32(slot->tts_values[3]));
    std::uint64_t key = splitmix(server([&] {
      Datum id = type.length() == -1 ? PointerGetDatum(PG_DETOAST_DATUM(slot->tts_values[0]))
                                     : slot->tts_values[0];
      return id_hash(type, id);
    }));
    if (sample.size() == kSampledUsers && key >= sample.rbegin()->first) return;
    VectorView vector = model_vector(slot->tts_values[1], model, Side::kUsers);
    sample[key] = {std::vector<float>(vector.values, vector.values + vector.size),
                   model_bias(slot->tts_values[2], slot->tts_isnull[2], model, Side::kUsers)};
    if (sample.size() > kSampledUsers) sample.erase(std::prev(sample.end()));
  });

  const LoadedFactors& side = served.side(Side::kItems);
  std::vector<float> scores;
  for (const auto& [key, user] : sample)
    for (std::size_t i = 0; i < std::min(items.size(), kSampledItems); ++i)
      scores.push_back((base_score(model, user.bias) + side.bias()[items[i]]) +
                       dot(user.vector.data(), side.rows().row(items[i]), user.vector.size()));
  data.scored_pairs = static_cast<std::int64_t>(scores.size());
  data.scores = linear_bins(std::move(scores));
}

}  // namespace als::pg
