// The query for the mean rating of each item in a model's source.

#include "pg/evaluate/item_means.h"

#include "pg/ids/id_args.h"
#include "pg/model/model_source.h"

namespace als::pg {

namespace {
/// Not of ratings that no training would take.
bool is_mean(double mean) { return std::isfinite(static_cast<float>(mean)); }
}  // namespace

std::optional<std::vector<double>> item_means(ServedModel& served) {
  const Model& model = served.model();
  const LoadedFactors& items = served.side(Side::kItems);
  if (source_now(model).is_gone() || !distrust_of_source(model).empty()) return std::nullopt;
  OwnedMemoryContext context("als item means");
  const DescribedSource source = describe_source(trusted_source(model), context.get());
  SourceNames names(source);

  const std::string item = quoted(source.item_col);
  const std::string rating = source.rating_as_float8();
  const std::string weight = source.weight_as_float8();
  // Not by avg, which Citus makes a quotient by whatever operator the search_path has for it.
  const std::string divisor = source.weight_col ? "pg_catalog.sum(case when " + rating +
                                                      " is not null then " + weight + " end)"
                                                : "pg_catalog.count(" + rating + ")";
  const std::string mean = "pg_catalog.sum(" + rating +
                           (source.weight_col ? " operator(pg_catalog.*) " + weight : "") +
                           ") operator(pg_catalog./) case when " + divisor +
                           " operator(pg_catalog.<>) 0 then " + divisor + " end";
  SPIPlanPtr plan =
      prepare("select " + item + ", " + mean + " from " + source.rows_that_count() + " where " +
              quoted(source.user_col) + " is not null and " + item + " is not null group by 1");
  IdConverter converter =
      converter_or_throw(source.id_types.items->oid, items.type(), "item", context.get());
  std::vector<double> means(items.size(), model.mean);
  for_each_row(plan, {}, {source.id_types.items->oid, FLOAT8OID}, [&](TupleTableSlot* slot) {
    if (slot->tts_isnull[1] || !is_mean(DatumGetFloat8(slot->tts_values[1]))) return;
    const std::uint32_t index =
        server([&] { return find_converted(items.ids(), converter, slot->tts_values[0]); });
    if (index != IdIndex::kMissing) means[index] = DatumGetFloat8(slot->tts_values[1]);
  });
  names.end();
  return means;
}

std::vector<double> item_means(const Model& model, const RatingSums& ratings) {
  std::vector<double> means(ratings.sums.size(), model.mean);
  for (std::size_t i = 0; i < means.size(); ++i) {
    const double mean = ratings.sums[i] / static_cast<double>(ratings.counts[i]);
    if (ratings.counts[i] > 0 && is_mean(mean)) means[i] = mean;
  }
  return means;
}

bool rows_count_alike(const RatingSource& source) { return !source.time_col && !source.weight_col; }

}  // namespace als::pg
