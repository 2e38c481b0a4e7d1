// The query for the mean rating of each item in a model's source.

#include "pg/evaluate/item_means.h"

#include "pg/ids/id_args.h"
#include "pg/model/model_source.h"

namespace als::pg {

namespace {
/// Not of ratings that no training would take.
bool is_mean(double mean) { return std::isfinite(static_cast<float>(mean)); }

/// A number as the server can add it up, and multiply it, without an error: what is beyond single
/// precision is infinite, as in RatingSums, what is too small for it 0.
std::string as_summed(const std::string& number) {
  using Single = std::numeric_limits<float>;
  const std::string size = "pg_catalog.abs(" + number + ") operator(pg_catalog.";
  return "(case when " + size + "<) " + format("%.9g", Single::denorm_min()) +
         "::pg_catalog.float8 then 0 when " + size + "<=) " + format("%.9g", Single::max()) +
         "::pg_catalog.float8 then " + number + " when " + number +
         " is not null then 'infinity' end)";
}
}  // namespace

bool has_item_means(const Model& model) {
  return !source_now(model).is_gone() && distrust_of_source(model).empty();
}

std::optional<std::vector<double>> item_means(ServedModel& served) {
  const Model& model = served.model();
  const LoadedFactors& items = served.side(Side::kItems);
  if (!has_item_means(model)) return std::nullopt;
  OwnedMemoryContext context("als item means");
  const DescribedSource source = describe_source(trusted_source(model), context.get());
  SourceNames names(source);

  const std::string item = quoted(source.item_col);
  const std::string rating = as_summed(source.rating_as_float8());
  const std::string weight = as_summed(source.weight_as_float8());
  // Not by avg, which Citus makes a quotient by whatever operator the search_path has for it.
  const std::string divisor =
      source.weight_col
          ? "pg_catalog.sum(case when " + rating + " is not null then " + weight + " end)"
          : "pg_catalog.count(" + rating + ")::pg_catalog.float8";
  SPIPlanPtr plan =
      prepare("select " + item + ", pg_catalog.sum(" + rating +
              (source.weight_col ? " operator(pg_catalog.*) " + weight : "") + "), " + divisor +
              " from " + source.rows_that_count() + " where " + quoted(source.user_col) +
              " is not null and " + item + " is not null group by 1");
  IdConverter converter =
      converter_or_throw(source.id_types.items->oid, items.type(), "item", context.get());
  std::vector<double> means(items.size(), model.mean);
  const std::vector<Oid> types = {source.id_types.items->oid, FLOAT8OID, FLOAT8OID};
  read_numbers(source, [&] {
    for_each_row(plan, {}, types, [&](TupleTableSlot* slot) {
      if (slot->tts_isnull[1] || slot->tts_isnull[2]) return;
      const double mean = DatumGetFloat8(slot->tts_values[1]) / DatumGetFloat8(slot->tts_values[2]);
      if (!is_mean(mean)) return;
      const std::uint32_t index =
          server([&] { return find_converted(items.ids(), converter, slot->tts_values[0]); });
      if (index != IdIndex::kMissing) means[index] = mean;
    });
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
