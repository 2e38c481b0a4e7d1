// Makes or finds the table of results, and appends to it.
#include "pg/tune/tune_results_table.h"

#include "pg/sql/params.h"
#include "pg/sql/target_columns.h"

namespace als::pg {

namespace {
constexpr const char* kColumns =
    " (run, tuned_at, source, metric, trial, rank, value, iterations, seconds, options)";
}

void TuneResults::create() {
  execute("create table " + target_table_.qualified_name() +
          " (run bigint not null, tuned_at timestamptz not null, source text not null,"
          " metric text not null, trial int not null, rank int not null, value float8,"
          " iterations int not null, seconds float8 not null, options jsonb not null,"
          " primary key (run, trial))");
}

void TuneResults::prepare() {
  if (!OidIsValid(target_table_.find_or_claim())) create();
  const Oid found = target_table_.find_made();
  check_takes(found, {{"run", INT8OID, "numbers of runs"},
                      {"tuned_at", TIMESTAMPTZOID, "times"},
                      {"source", TEXTOID, "sources"},
                      {"metric", TEXTOID, "metrics"},
                      {"trial", INT4OID, "numbers of trials"},
                      {"rank", INT4OID, "ranks"},
                      {"value", FLOAT8OID, "values of metrics"},
                      {"iterations", INT4OID, "numbers of iterations"},
                      {"seconds", FLOAT8OID, "seconds"},
                      {"options", JSONBOID, "options"}});
  check_sees_all_rows(found);
  // Adds nothing, but the server checks columns, types and privileges.
  std::string table = target_table_.qualified_name();
  execute("insert into " + table + kColumns +
          " select pg_catalog.max(run)::pg_catalog.int8, pg_catalog.now(), ''::pg_catalog.text, "
          "''::pg_catalog.text, 1, 1, 1::pg_catalog.float8, 1, 1::pg_catalog.float8, "
          "'{}'::pg_catalog.jsonb from " +
          table + " having false");
}

void TuneResults::append(const std::string& source, const std::string& metric,
                         const std::vector<TuneResult>& results) {
  // Numbers are given out one after the other.
  target_table_.claim();
  std::string table = target_table_.qualified_name();
  execute("select coalesce(pg_catalog.max(run), 0)::pg_catalog.int8 from " + table);
  std::int64_t run = server([] {
    bool is_null;
    return DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null));
  });
  TimestampTz now = GetCurrentTimestamp();
  for (const TuneResult& result : results) {
    Param value{FLOAT8OID, 0, true};
    if (!std::isnan(result.value)) value = float_param(result.value);
    execute("insert into " + table + kColumns +
                " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::pg_catalog.jsonb)",
            {bigint_param(run + 1),
             {TIMESTAMPTZOID, TimestampTzGetDatum(now)},
             text_param(source.c_str()),
             text_param(metric.c_str()),
             int_param(result.trial),
             int_param(result.rank),
             value,
             int_param(result.iterations),
             float_param(result.seconds),
             text_param(result.options.c_str())});
  }
}

}  // namespace als::pg
