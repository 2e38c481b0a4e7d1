// Compares one user's rows in a test with those in the source.

#include "pg/evaluate/trained_rows.h"

#include "pg/evaluate/item_means.h"
#include "pg/history/live_ratings.h"
#include "pg/ids/id_args.h"

namespace als::pg {

namespace {

/// The model's source, unless its ids are of other types by now: nothing that an evaluation minds.
std::optional<DescribedSource> source_of_same_ids(ServedModel& served, MemoryContext context) {
  try {
    return described_source(served, context);
  } catch (const UserError& error) {
    if (error.sqlstate != ERRCODE_DATATYPE_MISMATCH) throw;
    return std::nullopt;
  }
}

/// The items of a user's rows that count. Of ratings no more is asked than whether they are there:
/// they may be such as no training takes.
std::string items_query(const DescribedSource& source, const IdType& user) {
  return "select " + quoted(source.item_col) + " from " + source.rows_that_count() + " where " +
         server([&] { return equals_condition(user, source.user_col.c_str()); }) +
         (source.rating_col ? " and " + quoted(*source.rating_col) + " is not null" : "") +
         (source.weight_col ? " and " + source.weight_as_float8() + " operator(pg_catalog.<>) 0"
                            : "");
}

/// Which items of the model the user has in its source now.
std::vector<bool> items_in_source(ServedModel& served, Datum user) {
  const LoadedFactors& items = served.side(Side::kItems);
  std::vector<bool> found(items.size());
  OwnedMemoryContext context("als trained rows");
  const auto source = source_of_same_ids(served, context.get());
  if (!source) return found;
  const IdType& type = served.id_type(Side::kUsers);
  const Oid item_type = source->id_types.items->oid;
  IdConverter converter = converter_or_throw(item_type, items.type(), "item", context.get());
  SourceNames names(*source);
  SPIPlanPtr plan = prepare(items_query(*source, type), {type.base});
  read_numbers(*source, [&] {
    for_each_row(plan, {{type.base, user}}, {item_type}, [&](TupleTableSlot* slot) {
      if (slot->tts_isnull[0]) return;
      const std::uint32_t item =
          server([&] { return find_converted(items.ids(), converter, slot->tts_values[0]); });
      if (item != IdIndex::kMissing) found[item] = true;
    });
  });
  names.end();
  return found;
}

}  // namespace

bool looks_for_trained_rows(const EvaluationRequest& request, const Model& model) {
  return model.feedback == Feedback::kExplicit && request.exclude_seen && request.cutoffs.empty() &&
         !request.history && has_item_means(model);
}

TestedMost tested_most(const IdDictionary& users, const CompressedRows& test) {
  std::vector<std::uint32_t> rank(users.size());
  server([&] { users.rank(rank.data()); });
  std::uint32_t row = 0;
  for (std::uint32_t r = 1; r < users.size(); ++r)
    if (test.row_size(r) > test.row_size(row) ||
        (test.row_size(r) == test.row_size(row) && rank[r] < rank[row]))
      row = r;
  return {users.id(row),
          {test.columns.data() + test.offsets[row], test.columns.data() + test.offsets[row + 1]}};
}

void tell_of_trained_rows(ServedModel& served, const TestedMost& tested) {
  const std::vector<bool> there = items_in_source(served, tested.user);
  const auto trained =
      std::count_if(tested.items.begin(), tested.items.end(),
                    [&](std::uint32_t item) { return item < there.size() && there[item]; });
  if (trained == 0) return;
  server([&] {
    ereport(NOTICE,
            (errmsg("als: %zd of the test's %zu rows of user %s are in the model's source",
                    static_cast<std::ptrdiff_t>(trained), tested.items.size(),
                    id_text(served.id_type(Side::kUsers), tested.user)),
             errhint("If the model was trained on rows of the test, its errors come out too small: "
                     "als.split makes a part to train on and another to test with.")));
  });
}

}  // namespace als::pg
