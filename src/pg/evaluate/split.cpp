// als.split: a query for a part of a source.

#include "pg/server/args.h"
#include "pg/source/missing_column.h"
#include "pg/source/rating_source.h"

namespace als::pg {

namespace {

enum Argument {
  kSource,
  kPart,
  kFraction,
  kBy,
  kLast,
  kSince,
  kTestShare,
  kUserCol,
  kItemCol,
  kTimeCol,
  kSeed
};

/// The pieces of which the query is made, quoted.
struct Split {
  std::string columns;  // of the source
  std::string from;
  std::string user;
  std::string item;
  std::string time;  // empty: none
  std::string seed;
};

[[noreturn]] void throw_misfit(const char* message, const char* hint) {
  throw UserError(ERRCODE_INVALID_PARAMETER_VALUE, message, hint);
}

std::string column_arg(FunctionCallInfo fcinfo, int index, const char* name, TupleDesc columns) {
  require_arg(fcinfo, index, name);
  const char* column = NameStr(*PG_GETARG_NAME(index));
  if (column_named(column, columns) != nullptr) return quoted(column);
  throw_missing_column("the source", column, name, columns);
}

Split split_from(FunctionCallInfo fcinfo) {
  Split split;
  split.from = parse_source(text_arg(fcinfo, kSource, "source")).from_clause();
  TupleDesc columns = result_columns(prepare("select * from " + split.from));
  for (int i = 0; i < columns->natts; ++i)
    split.columns += (i > 0 ? ", " : "") + quoted(NameStr(TupleDescAttr(columns, i)->attname));
  split.user = column_arg(fcinfo, kUserCol, "user_col", columns);
  split.item = column_arg(fcinfo, kItemCol, "item_col", columns);
  if (split.user == split.item)
    throw UserError(ERRCODE_DUPLICATE_COLUMN,
                    format("user_col and item_col are both %s", split.user.c_str()),
                    "Name the right columns with user_col => '...', item_col => '...'.");
  if (!PG_ARGISNULL(kTimeCol)) split.time = column_arg(fcinfo, kTimeCol, "time_col", columns);
  require_arg(fcinfo, kSeed, "seed");
  split.seed = format("(%lld)::pg_catalog.int8", static_cast<long long>(PG_GETARG_INT64(kSeed)));
  return split;
}

/// A condition that holds for this share of the values.
std::string is_drawn(const std::string& values, const Split& split, double share) {
  return "als.hash_fraction(" + values + ", " + split.seed + ") operator(pg_catalog.<) " +
         format("'%.17g'::pg_catalog.float8", share);
}

std::string select_where(const Split& split, const std::string& from,
                         const std::string& condition) {
  return "select " + split.columns + " from " + from + " where " + condition;
}

/// All rows of one user and item stay together.
std::string by_row(const Split& split, bool test, double fraction) {
  const std::string drawn = is_drawn(split.user + ", " + split.item, split, fraction);
  return select_where(split, split.from, test ? drawn : "not " + drawn);
}

/// The rows of the users who are held out are history and test; the same hash as by row, of other
/// values.
std::string by_user(const Split& split, const std::string& part, double fraction,
                    double test_share) {
  const std::string held_out = is_drawn(split.user, split, fraction);
  if (part == "train") return select_where(split, split.from, "not " + held_out);
  const std::string drawn = is_drawn(split.user + ", " + split.item, split, test_share);
  return select_where(split, split.from,
                      held_out + " and " + (part == "test" ? drawn : "not " + drawn));
}

/// Whole items, of which the training then knows nothing.
std::string by_item(const Split& split, bool test, double fraction) {
  const std::string held_out = is_drawn(split.item, split, fraction);
  return select_where(split, split.from, test ? held_out : "not " + held_out);
}

std::string since(const Split& split, bool test, const std::string& moment) {
  const std::string literal = server([&] { return quote_literal_cstr(moment.c_str()); });
  // A row without a time is from before.
  const std::string later =
      "coalesce(" + split.time + " operator(pg_catalog.>=) " + literal + ", false)";
  return select_where(split, split.from, test ? later : "not " + later);
}

/// `place` is what a row's place, from the user's last row on, must not exceed to be in the test.
std::string last_rows(const Split& split, bool test, const std::string& place) {
  const std::string window = "partition by " + split.user;
  // Rows of the same time in an order that depends on the ids alone; those of one pair stay
  // together.
  const std::string ranked = "(select source.*, pg_catalog.rank() over (" + window + " order by " +
                             split.time + " desc nulls last, als.hash_fraction(" + split.user +
                             ", " + split.item + ", " + split.seed + "), " + split.item +
                             ") as als_place, pg_catalog.count(*) over (" + window +
                             ") as als_rows from " + split.from + ") as source";
  return select_where(
      split, ranked,
      std::string("als_place operator(pg_catalog.") + (test ? "<=" : ">") + ") " + place);
}

std::string by_time(FunctionCallInfo fcinfo, const Split& split, bool test, double fraction) {
  if (split.time.empty())
    throw_misfit("a split by time needs time_col", "Name the column with time_col => '...'.");
  if (!PG_ARGISNULL(kLast) && !PG_ARGISNULL(kSince))
    throw_misfit("last and since exclude each other", "Leave one of them out.");
  if (!PG_ARGISNULL(kSince)) return since(split, test, text_arg(fcinfo, kSince, "since"));
  if (!PG_ARGISNULL(kLast))
    return last_rows(split, test, std::to_string(int_arg(fcinfo, kLast, "last", 0, PG_INT32_MAX)));
  return last_rows(split, test,
                   format("pg_catalog.floor(als_rows operator(pg_catalog.*) "
                          "'%.17g'::pg_catalog.float8)",
                          fraction));
}

std::string split_query(FunctionCallInfo fcinfo) {
  const std::string part = choice_arg(fcinfo, kPart, "part", {"train", "test", "history"});
  const std::string by = choice_arg(fcinfo, kBy, "by", {"row", "user", "item", "time"});
  const double fraction = float_arg(fcinfo, kFraction, "fraction", 0, 1);
  const double test_share = float_arg(fcinfo, kTestShare, "test_share", 0, 1);
  if (part == "history" && by != "user")
    throw_misfit("history is a part of a split by user",
                 "Use by => 'user', or one of the parts 'train' and 'test'.");
  if (by != "time" && !(PG_ARGISNULL(kLast) && PG_ARGISNULL(kSince) && PG_ARGISNULL(kTimeCol)))
    throw_misfit("last, since and time_col are for a split by time", "Use by => 'time'.");
  const Split split = split_from(fcinfo);
  if (by == "row") return by_row(split, part == "test", fraction);
  if (by == "user") return by_user(split, part, fraction, test_share);
  if (by == "item") return by_item(split, part == "test", fraction);
  return by_time(fcinfo, split, part == "test", fraction);
}

}  // namespace

}  // namespace als::pg

ALS_SQL_FUNCTION(als_split)

/// als.split(source text, part text, ...): text, see sql/als--1.1.sql
Datum als_split(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  return guard([&] {
    MemoryContext context = CurrentMemoryContext;
    SpiConnection spi;
    std::string query = split_query(fcinfo);
    prepare(query);  // where it is wrong, here is the place to say so
    Datum result = server([&] {
      MemoryContext old = MemoryContextSwitchTo(context);
      Datum text = CStringGetTextDatum(query.c_str());
      MemoryContextSwitchTo(old);
      return text;
    });
    spi.finish();
    return result;
  });
}
