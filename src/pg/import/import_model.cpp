// als.import_model: factors from elsewhere become a model.
//
//   FactorQuery -> ImportedFactors -> ModelWriter
//
// The same tables, locks, versions and replacement as a training's.

#include "pg/ids/id_args.h"
#include "pg/import/foreign_factors.h"
#include "pg/import/imported_factors.h"
#include "pg/model/previous_run.h"
#include "pg/server/may_write.h"
#include "pg/source/rating_weight.h"
#include "pg/source/relations_read.h"
#include "pg/sql/expanded_row.h"
#include "pg/sql/result_rows.h"
#include "pg/track/change_queue.h"
#include "pg/track/queue_writer.h"

namespace als::pg {

namespace {

struct ImportRequest : ForeignFactors {
  std::string model;
  std::string user_factors;
  std::string item_factors;
  bool replace;
  bool replace_ids;
  bool unlogged;
};

ImportRequest import_request(FunctionCallInfo fcinfo) {
  const NamedArgs args(fcinfo);
  ImportRequest request{};
  request.model = args.text("model");
  request.user_factors = args.text("user_factors");
  request.item_factors = args.text("item_factors");
  static_cast<ForeignFactors&>(request) = foreign_factors(args);
  request.replace = args.flag("replace");
  request.replace_ids = args.has("replace_ids") && args.flag("replace_ids");  // not in 1.0
  request.unlogged = args.flag("unlogged");
  return request;
}

/// What a source says of imported rows.
struct SourceCounts {
  std::int64_t rows = 0;
  std::int64_t skipped = 0;  ///< with a null, or an id without a vector
  double weight = 0;         ///< of the ratings of the others: as many as they are without weights
  double sum = 0;            ///< of them, by their weights
  float lowest = std::numeric_limits<float>::infinity();
  float highest = -std::numeric_limits<float>::infinity();
  CompressedRows users;  ///< of these only the sizes of rows are filled in
  CompressedRows items;
  std::vector<RatingTotals> item_totals;

  std::int64_t ratings() const { return rows - skipped; }
};

/// From counts to the offsets of compressed rows.
CompressedRows rows_of_sizes(const std::vector<std::uint64_t>& sizes) {
  CompressedRows rows;
  rows.offsets.push_back(0);
  for (std::uint64_t size : sizes) rows.offsets.push_back(rows.offsets.back() + size);
  return rows;
}

SourceCounts count_ratings(const DescribedSource& source, const ImportedFactors& users,
                           const ImportedFactors& items, Progress& progress) {
  SourceCounts counts;
  std::vector<std::uint64_t> by_user(users.ids().size());
  std::vector<std::uint64_t> by_item(items.ids().size());
  counts.item_totals.resize(items.ids().size());
  SourceNames names(source);
  SPIPlanPtr plan = prepare("select " + quoted(source.user_col) + ", " + quoted(source.item_col) +
                            ", " + source.rating_as_float8() + ", " + source.weight_as_float8() +
                            " from " + source.rows_that_count());
  read_numbers(source, [&] {
    for_each_row(plan, {},
                 {source.id_types.users->oid, source.id_types.items->oid, FLOAT8OID, FLOAT8OID},
                 [&](TupleTableSlot* slot) {
                   ++counts.rows;
                   progress.row_read();
                   std::uint32_t user = IdDictionary::kMissing;
                   std::uint32_t item = IdDictionary::kMissing;
                   if (!slot->tts_isnull[0] && !slot->tts_isnull[1] && !slot->tts_isnull[2])
                     server([&] {
                       user = users.ids().find(slot->tts_values[0]);
                       item = items.ids().find(slot->tts_values[1]);
                     });
                   auto rating = static_cast<float>(DatumGetFloat8(slot->tts_values[2]));
                   float weight = 1;
                   if (user == IdDictionary::kMissing || item == IdDictionary::kMissing ||
                       (source.weight_col &&
                        !weigh(source, slot->tts_values, {slot->tts_values[3], slot->tts_isnull[3]},
                               rating, weight))) {
                     ++counts.skipped;
                     return;
                   }
                   ++by_user[user];
                   ++by_item[item];
                   counts.weight += weight;
                   counts.sum += static_cast<double>(weight) * rating;
                   counts.lowest = std::min(counts.lowest, rating);
                   counts.highest = std::max(counts.highest, rating);
                   counts.item_totals[item].add(rating, weight);
                 });
  });
  names.end();
  counts.users = rows_of_sizes(by_user);
  counts.items = rows_of_sizes(by_item);
  return counts;
}

/// An id type for a side: the source's, so that its rows can be found by the model's ids, or else
/// as the factors come.
const IdType* id_type_for(const FactorQuery& query, const std::optional<DescribedSource>& source,
                          MemoryContext context) {
  if (source) return source->id_types[query.side()];
  return server([&] {
    MemoryContext old = MemoryContextSwitchTo(context);
    IdType* type = describe_id_type(query.id_type(), query.id_collation(),
                                    query.side() == Side::kUsers ? "user ids" : "item ids");
    MemoryContextSwitchTo(old);
    return type;
  });
}

FactorFeed rows_of(const ImportedFactors& imported, const CompressedRows* ratings) {
  FactorFeed rows{&imported.ids(), std::vector<std::uint32_t>(imported.ids().size()),
                  &imported.factors(), ratings};
  for (std::size_t i = 0; i < rows.order.size(); ++i) rows.order[i] = static_cast<std::uint32_t>(i);
  return rows;
}

/// The row of a run, where what belongs to a training is null; it is left in SPI_tuptable.
void write_imported_row(const ModelWriter& store, const ImportRequest& request,
                        const ImportedFactors& users, const ImportedFactors& items, bool biases,
                        const std::optional<SourceCounts>& counts, double mean,
                        const std::optional<double>& damped) {
  RunRow row = foreign_run_row(request, users.length(), biases);
  if (counts) {
    row.add("n_rows", bigint_param(counts->rows));
    row.add("n_skipped", bigint_param(counts->skipped));
    row.add("n_ratings", bigint_param(counts->ratings()));
  }
  row.add("n_users", bigint_param(static_cast<std::int64_t>(users.ids().size())));
  row.add("n_items", bigint_param(static_cast<std::int64_t>(items.ids().size())));
  row.add("mean", float_param(mean));
  if (damped) row.add("damping", float_param(*damped));
  if (counts && counts->lowest <= counts->highest) {
    row.add("lowest_rating", real_param(counts->lowest));
    row.add("highest_rating", real_param(counts->highest));
  }
  row.insert(store);
}

void import_model(ModelWriter& store, const ImportRequest& request, Progress& progress,
                  MemoryContext context) {
  std::vector<RatingSource> sources = request.sources();
  for (const std::string& factors : {request.user_factors, request.item_factors})
    sources.push_back(parse_source(factors));
  std::vector<RelationLock> read;
  progress.hide_during([&] { read = relations_read(sources); });
  store.lock(request.replace, read);
  store.claim_turn();
  const FactorQuery user_query(request.user_factors, Side::kUsers);
  const FactorQuery item_query(request.item_factors, Side::kItems);
  const bool biases = user_query.has_bias() || item_query.has_bias();
  if (biases) check_may_have_biases(request, "Leave the third column out");
  std::optional<DescribedSource> source;
  if (request.source) source = describe_source(*request.source, context);
  const BySide<const IdType*> id_types{id_type_for(user_query, source, context),
                                       id_type_for(item_query, source, context)};
  if (request.seen) check_seen(*request.seen, id_types, context);
  progress.hide();
  store.prepare_tables(id_types, request.unlogged, request.replace_ids);

  progress.enter(Phase::kReading);
  SnapshotScope snapshot;
  const ImportedFactors users(user_query, *id_types.users, biases, progress);
  const ImportedFactors items(item_query, *id_types.items, biases, progress);
  if (users.length() != items.length())
    throw UserError(ERRCODE_ARRAY_SUBSCRIPT_ERROR,
                    format("user_factors has vectors of %d elements, item_factors of %d",
                           users.length(), items.length()),
                    "All vectors of a model have one length.");
  std::optional<SourceCounts> counts;
  if (source) counts = count_ratings(*source, users, items, progress);
  snapshot.pop();

  progress.enter(Phase::kWriting);
  PreviousRun previous(store);
  previous.forget();
  store.write_factors(Side::kUsers, rows_of(users, counts ? &counts->users : nullptr));
  FactorFeed item_rows = rows_of(items, counts ? &counts->items : nullptr);
  const double mean =
      mean_of(request, biases, counts ? counts->weight : 0, counts ? counts->sum : 0);
  std::optional<double> damped;
  std::vector<float> popularity;
  if (counts) {
    if (!request.implicit()) damped = damping(counts->item_totals);
    popularity = popularity_of(counts->item_totals, mean, damped, source->has_confidences());
    item_rows.popularity = &popularity;
  }
  store.write_factors(Side::kItems, item_rows);
  previous.record();
  write_imported_row(store, request, users, items, biases, counts, mean, damped);
}

}  // namespace

}  // namespace als::pg

ALS_SQL_FUNCTION(als_import_model)

/// als.import_model(...): als.model, see sql/als--1.1.sql
Datum als_import_model(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  return guard([&] {
    return once_for_all_columns(fcinfo, [&] {
      MemoryContext context = CurrentMemoryContext;
      check_may_write("als.import_model()");
      const ImportRequest request = import_request(fcinfo);
      SpiConnection spi;
      ModelWriter store(request.model);
      Progress progress(Command::kImportModel, store.target_table());
      import_model(store, request, progress, context);
      // What has been refreshed may be newer than these factors, and has left no notes behind.
      server([&] { note_everything(recorded_queue(store.table())); });
      Datum result = result_row(fcinfo, context);
      progress.hide();
      spi.finish();
      return result;
    });
  });
}
