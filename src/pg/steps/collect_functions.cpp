// als._collect, als._collected and als._collect_query: from the rows of a source to a row each
// user.
//
// als._collect_query reads them itself, from the pages of a table where it can. Of an engine that
// spreads tables it has to be told the names of shards, which are those of the tables that a query
// finds on each machine: als._first_rows finds a row of each.
//
// Where the rows are not those of one table, they have to come by the source's own name. An
// aggregate of all would be one that the engine has to gather, and one of each user's would have
// the server find the user's place for each rating. So als._collect, in a select list, keeps all
// rows, and names its collector for the first alone, which alone passes; this is grouped by user
// and collector, which any engine does where the rows lie, and which ends when there are no more
// rows. Only then als._collected is called. Of a partitioned table each partition's scan has a
// select list, and so a collector, of its own. als._collect is volatile: so it is called once for
// each row, and not before joins and conditions have been seen to.

#include "pg/steps/rating_collector.h"

#include "pg/ids/id_equality.h"
#include "pg/server/args.h"
#include "pg/sql/array_elements.h"
#include "pg/sql/heap_rows.h"

namespace als::pg {

namespace {

constexpr std::int64_t kMostShards = 1 << 20;

CollectorPlaces places_arg(FunctionCallInfo fcinfo, int index) {
  require_arg(fcinfo, index, "places");
  const ArrayElements array = server([&] { return array_elements(PG_GETARG_DATUM(index)); });
  std::vector<std::int64_t> numbers;
  for (int i = 0; i < array.n; ++i) {
    if (array.nulls[i]) throw InvalidBytes("a place is null");
    numbers.push_back(DatumGetInt64(array.values[i]));
  }
  if (numbers.size() < 4) throw InvalidBytes("there are no parts");
  // A training's number, places in a part, 1 if all parts are the session's own, or how many shards
  // there are as a negative number, and the parts.
  CollectorPlaces places{numbers[0], numbers[1], numbers[2] > 0, 0, {}};
  if (numbers[2] < 0) {
    if (numbers[2] < -kMostShards) throw InvalidBytes("there are too many shards");
    places.shards = static_cast<std::uint32_t>(-numbers[2]);
  }
  if (places.places < 1 || places.places > PG_INT32_MAX) throw InvalidBytes("there are no places");
  for (std::size_t i = 3; i < numbers.size(); ++i) {
    if (numbers[i] < PG_INT32_MIN || numbers[i] > PG_INT32_MAX)
      throw InvalidBytes("a part is out of range");
    places.parts.push_back(static_cast<int>(numbers[i]));
  }
  return places;
}

/// The ids of an argument. The collation is its own: that of the call would be of both ids.
/// A server call.
const IdType* id_type_arg(FunctionCallInfo fcinfo, int index, const char* what) {
  const Node* call = fcinfo->flinfo->fn_expr;
  const Oid type = get_fn_expr_argtype(fcinfo->flinfo, index);
  if (!OidIsValid(type) || !IsA(call, FuncExpr))
    ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("als._collect is called by "
                                                                   "distributed trainings alone")));
  auto* argument =
      static_cast<Node*>(list_nth(reinterpret_cast<const FuncExpr*>(call)->args, index));
  return describe_id_type(type, exprCollation(argument), what);
}

RatingCollector* make_collector(FunctionCallInfo fcinfo) {
  MemoryContext context = fcinfo->flinfo->fn_mcxt;
  CollectorPlaces places = places_arg(fcinfo, 3);
  DescribedSource source;
  MemoryContext old = MemoryContextSwitchTo(context);
  server([&] {
    source.id_types.users = id_type_arg(fcinfo, 0, "user ids");
    source.id_types.items = id_type_arg(fcinfo, 1, "item ids");
  });
  source.rating_kind = RatingKind::kFloat8;
  RatingCollector* collector =
      keep_in<RatingCollector>(context, source, std::move(places), context);
  MemoryContextSwitchTo(old);
  return collector;
}

/// A query of users, items and ratings, as it is read.
struct CollectedQuery {
  SPIPlanPtr plan;
  DescribedSource source;
  std::vector<Oid> types;
};

/// The source's types are allocated in `context`.
CollectedQuery describe_query(const std::string& query, MemoryContext context) {
  CollectedQuery collected{prepare(query), {}, {}};
  TupleDesc columns = result_columns(collected.plan);
  if (columns == nullptr || columns->natts != 3)
    throw InvalidBytes("a query of ratings has three columns");
  const auto id_type = [&](int column, const char* what) {
    const Form_pg_attribute attribute = TupleDescAttr(columns, column);
    return describe_id_type_in(context, attribute->atttypid, attribute->attcollation, what);
  };
  DescribedSource& source = collected.source;
  source.rating_col = "rating";
  source.id_types.users = id_type(0, "user ids");
  source.id_types.items = id_type(1, "item ids");
  describe_rating(source, TupleDescAttr(columns, 2)->atttypid);
  collected.types = {source.id_types.users->oid, source.id_types.items->oid, source.rating_type};
  if (source.cast_rating)
    collected.plan = prepare("select user_id, item_id, rating::pg_catalog.float8 from (" + query +
                             ") as rows(user_id, item_id, rating)");
  return collected;
}

/// Fills a collector with the rows of a query.
RatingCollector& collect_query(FunctionCallInfo fcinfo) {
  MemoryContext context = fcinfo->flinfo->fn_mcxt;
  const std::string query = text_arg(fcinfo, 0, "query");
  CollectorPlaces places = places_arg(fcinfo, 1);
  SpiConnection spi;
  const CollectedQuery collected = describe_query(query, context);
  MemoryContext old = MemoryContextSwitchTo(context);
  auto* collector = keep_in<RatingCollector>(context, collected.source, std::move(places), context);
  MemoryContextSwitchTo(old);
  stream_many_rows(
      collected.plan, collected.types,
      [](void* state, TupleTableSlot* slot) {
        static_cast<RatingCollector*>(state)->add(slot->tts_values, slot->tts_isnull);
      },
      collector);
  spi.finish();
  return *collector;
}

/// The result of a function that returns a set of rows.
Datum rows_of(RatingCollector& collector, FunctionCallInfo fcinfo) {
  auto* result = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);
  result->setResult = collector.take_rows();
  result->setDesc = server([&] { return CreateTupleDescCopy(collector.columns()); });
  result->returnMode = SFRM_Materialize;
  return 0;
}

/// The list of all items of a training, by their ids.
struct AllItems {
  std::string list;  // the bytes of the array
  const IdType* type = nullptr;
  std::optional<IdDictionary> ids;
};

/// Reads the list where it is another one than that of the last call.
const IdDictionary& all_items_arg(FunctionCallInfo fcinfo, int index) {
  FmgrInfo* function = fcinfo->flinfo;
  require_arg(fcinfo, index, "items");
  if (function->fn_extra == nullptr) function->fn_extra = keep_in<AllItems>(function->fn_mcxt);
  auto* all = static_cast<AllItems*>(function->fn_extra);
  auto* array = server([&] { return PG_GETARG_ARRAYTYPE_P(index); });
  const std::string_view bytes(reinterpret_cast<const char*>(array), VARSIZE(array));
  if (all->ids && all->list == bytes) return *all->ids;
  const ArrayElements list = server([&] { return array_elements(PointerGetDatum(array)); });
  if (all->type == nullptr)
    all->type = describe_id_type_in(function->fn_mcxt, list.type, PG_GET_COLLATION(), "item ids");
  all->list.clear();
  IdDictionary& ids = all->ids.emplace(all->type);
  for (int i = 0; i < list.n; ++i) {
    if (list.nulls[i]) throw InvalidBytes("an item has no id");
    server([&] { guard([&] { ids.find_or_add(list.values[i]); }); });
  }
  if (ids.size() != static_cast<std::size_t>(list.n))
    throw InvalidBytes("two items have the same id");
  all->list = bytes;
  return ids;
}

Datum item_numbers(FunctionCallInfo fcinfo) {
  const IdDictionary& all = all_items_arg(fcinfo, 2);
  const ByteView head = bytes_arg(fcinfo, 0, "head");
  require_arg(fcinfo, 1, "ids");
  const ArrayElements ids = server([&] { return array_elements(PG_GETARG_DATUM(1)); });
  std::vector<std::uint32_t> numbers(static_cast<std::size_t>(ids.n));
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (ids.nulls[i]) throw InvalidBytes("an item has no id");
    numbers[i] = server([&] { return all.find(ids.values[i]); });
    if (numbers[i] == IdDictionary::kMissing) throw InvalidBytes("an item has no number");
  }
  return PointerGetDatum(bytea_of(
      {head,
       {reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(std::uint32_t)}}));
}

}  // namespace

}  // namespace als::pg

ALS_SQL_FUNCTION(als_own_part)
ALS_SQL_FUNCTION(als_collect)
ALS_SQL_FUNCTION(als_collected)
ALS_SQL_FUNCTION(als_collect_query)
ALS_SQL_FUNCTION(als_item_numbers)

/// als._own_part(training bigint, part int): int, the part, whose chunks this session will make
Datum als_own_part(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  return guard([&] {
    own_part(PG_GETARG_INT64(0), PG_GETARG_INT32(1));
    return PG_GETARG_DATUM(1);
  });
}

/// als._collect(user_id "any", item_id "any", rating float8, places bigint[]): bigint, the number
/// of the collector for the first row, and null for others until somebody takes what it has
Datum als_collect(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  FmgrInfo* function = fcinfo->flinfo;
  auto* collector = static_cast<RatingCollector*>(function->fn_extra);
  const bool is_first = collector == nullptr || collector->is_taken();
  if (is_first) {
    collector = guard_bytes([&] { return make_collector(fcinfo); });
    function->fn_extra = collector;
  } else if (collector->is_lost()) {
    guard_bytes([] {
      throw als::InvalidBytes("rows have been collected in a subtransaction that is over");
    });
  }
  const Datum values[] = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1), PG_GETARG_DATUM(2)};
  const bool nulls[] = {PG_ARGISNULL(0), PG_ARGISNULL(1), PG_ARGISNULL(2)};
  collector->add(values, nulls);
  if (is_first) PG_RETURN_INT64(collector->number());
  PG_RETURN_NULL();
}

/// als._collected(collector bigint): setof (part int, place int, user_id, items, n bigint, kept
/// bigint, ratings bytea), see RatingCollector
Datum als_collected(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  return guard_bytes([&] {
    require_arg(fcinfo, 0, "collector");
    return rows_of(RatingCollector::of(PG_GETARG_INT64(0), fcinfo->flinfo->fn_mcxt), fcinfo);
  });
}

/// als._collect_query(query text, places bigint[]): setof, as als._collected
Datum als_collect_query(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  return guard_bytes([&] { return rows_of(collect_query(fcinfo), fcinfo); });
}

/// als._item_numbers(head bytea, ids anyarray, items anyarray): bytea, the numbers of these ids in
/// the list of all items, behind the head
Datum als_item_numbers(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  return guard_bytes([&] { return item_numbers(fcinfo); });
}
