// What als.train_each calls: als._sources_by, for each value of a column a query of the rows that
// have it, from which it trains a model, and als._check_may_commit.

#include "pg/ids/id_type.h"
#include "pg/server/args.h"
#include "pg/server/local_settings.h"
#include "pg/server/may_write.h"
#include "pg/server/memory_context.h"
#include "pg/source/missing_column.h"
#include "pg/source/rating_source.h"
#include "pg/sql/result_rows.h"
#include "pg/sql/transaction_steps.h"

namespace als::pg {

namespace {

enum SourcesByArgument { kSourceToPart, kPartBy };

/// The type of a column of a query, which must have an order.
const IdType* type_of(TupleDesc columns, const std::string& name) {
  const FormData_pg_attribute* column = column_named(name, columns);
  if (column == nullptr) throw_missing_column("the source", name, "by", columns);
  const std::string what = "values of \"" + name + "\"";
  const char* values = what.c_str();
  return server([&] { return describe_id_type(column->atttypid, column->attcollation, values); });
}

/// The row of a value. A server call.
void put_source(const IdType& type, const std::optional<Datum>& value, const std::string& by,
                const std::string& all, ResultRows& result) {
  Datum row[2] = {};
  bool nulls[2] = {!value, !value};
  if (value) {
    char* text = id_text(type, *value);
    // Blanks at the end are no part of such a value.
    if (type.base == BPCHAROID)
      text[bpchartruelen(text, static_cast<int>(std::strlen(text)))] = '\0';
    const char* literal = psprintf("%s::%s", quote_literal_cstr(text), spelled_type(type.base));
    row[0] = CStringGetTextDatum(text);
    row[1] = CStringGetTextDatum(
        psprintf("%s where %s", all.c_str(), equals_condition(type, by.c_str(), literal)));
  }
  result.put(row, nulls);
}

void put_sources(FunctionCallInfo fcinfo, ResultRows& result) {
  const std::string from = parse_source(text_arg(fcinfo, kSourceToPart, "source")).from_clause();
  const std::string by = name_arg(fcinfo, kPartBy, "by");
  const std::string all = "select * from " + from;
  const IdType& type = *type_of(result_columns(prepare(all)), by);
  std::vector<std::optional<Datum>> values;
  OwnedMemoryContext context("als values of a column");
  for_each_row(prepare("select " + quoted(by) + " from " + from + " group by 1 order by 1"), {},
               {InvalidOid}, [&](TupleTableSlot* slot) {
                 values.emplace_back();
                 if (slot->tts_isnull[0]) return;
                 values.back() = server([&] {
                   MemoryContext old = MemoryContextSwitchTo(context.get());
                   const Datum copy =
                       datumCopy(slot->tts_values[0], type.by_value(), type.length());
                   MemoryContextSwitchTo(old);
                   return copy;
                 });
               });
  // So that a query says the same in every session. The source itself is read by the caller's.
  LocalSettings settings;
  settings.set("datestyle", "ISO, MDY");
  settings.set("intervalstyle", "postgres");
  settings.set("extra_float_digits", "3");
  for (const std::optional<Datum>& value : values)
    server([&] {
      CHECK_FOR_INTERRUPTS();
      put_source(type, value, by, all, result);
    });
  settings.end();
}

}  // namespace

}  // namespace als::pg

ALS_SQL_FUNCTION(als_sources_by)
ALS_SQL_FUNCTION(als_check_may_commit)

/// als._sources_by(source text, by name): rows (value text, query text), nulls for a null
Datum als_sources_by(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  return guard([&] {
    ResultRows result(fcinfo);
    check_may_write("als.train_each()");
    SpiConnection spi;
    put_sources(fcinfo, result);
    spi.finish();
    return static_cast<Datum>(0);
  });
}

/// als._check_may_commit(procedure text): void
Datum als_check_may_commit(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  return guard([&] {
    require_no_transaction_block(text_arg(fcinfo, 0, "procedure").c_str());
    return static_cast<Datum>(0);
  });
}
