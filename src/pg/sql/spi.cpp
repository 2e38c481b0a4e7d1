// Runs queries, streams their rows and keeps plans.
#include "pg/sql/spi.h"

#include <unordered_map>

namespace als::pg {

namespace {

// Queries of stream_rows() now running, one inside the other: their plans must stay.
int running_streams = 0;

class StreamScope {
 public:
  StreamScope() { ++running_streams; }
  ~StreamScope() { --running_streams; }
  StreamScope(const StreamScope&) = delete;
  StreamScope& operator=(const StreamScope&) = delete;
};

struct RowReceiver {
  DestReceiver base;
  RowFunction on_row;
  void* state;
  const std::vector<Oid>* types;
  MemoryContext row_context;
};

bool receive_row(TupleTableSlot* slot, DestReceiver* self) {
  auto* receiver = reinterpret_cast<RowReceiver*>(self);
  slot_getallattrs(slot);
  MemoryContext context = receiver->row_context;
  if (!context->isReset || context->firstchild != nullptr) MemoryContextReset(context);
  MemoryContext old = MemoryContextSwitchTo(context);
  receiver->on_row(receiver->state, slot);
  MemoryContextSwitchTo(old);
  return true;
}

void start_receiving(DestReceiver* self, int, TupleDesc columns) {
  check_columns(columns, *reinterpret_cast<RowReceiver*>(self)->types);
}

void stop_receiving(DestReceiver*) {}

ParamListInfo param_list(std::initializer_list<Param> params) {
  ParamListInfo list = makeParamList(static_cast<int>(params.size()));
  int i = 0;
  for (const Param& param : params) {
    ParamExternData& to = list->params[i++];
    to.value = param.value;
    to.isnull = param.is_null;
    to.pflags = PARAM_FLAG_CONST;
    to.ptype = param.type;
  }
  return list;
}

[[noreturn]] void raise_spi_error(const char* what, int code) {
  ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
                  errmsg("%s failed: %s", what, SPI_result_code_string(code))));
  pg_unreachable();
}

SPIPlanPtr prepare_raw(const char* sql, std::initializer_list<Oid> types) {
  SPIPlanPtr plan = SPI_prepare_cursor(sql, static_cast<int>(types.size()),
                                       const_cast<Oid*>(types.begin()), CURSOR_OPT_PARALLEL_OK);
  if (plan == nullptr) raise_spi_error("SPI_prepare", SPI_result);
  // Part of the text may be the user's query, which could end our statement and begin another.
  if (list_length(SPI_plan_get_plan_sources(plan)) != 1)
    ereport(ERROR, (errcode(ERRCODE_SYNTAX_ERROR),
                    errmsg("the source of ratings must be a single query")));
  return plan;
}

}  // namespace

SpiConnection::SpiConnection(Mode mode) : outer_(CurrentMemoryContext) {
  server([&] { SPI_connect_ext(mode == Mode::kMayCommit ? SPI_OPT_NONATOMIC : 0); });
}

void SpiConnection::finish() {
  server([] { SPI_finish(); });
  MemoryContextSwitchTo(outer_);
}

std::string text_value(Datum value) {
  return server([&]() -> const char* { return TextDatumGetCString(value); });
}

std::uint64_t execute(const std::string& sql, const std::vector<Param>& params) {
  std::vector<Oid> types;
  std::vector<Datum> values;
  std::string nulls;
  for (const Param& param : params) {
    types.push_back(param.type);
    values.push_back(param.value);
    nulls += param.is_null ? 'n' : ' ';
  }
  return server([&] {
    int code = SPI_execute_with_args(sql.c_str(), static_cast<int>(types.size()), types.data(),
                                     values.data(), nulls.c_str(), false, 0);
    if (code < 0) raise_spi_error("SPI_execute", code);
    return SPI_processed;
  });
}

std::int64_t count_rows(const std::string& from, const std::vector<Param>& params) {
  return fetch_number("select pg_catalog.count(*) " + from, params);
}

std::int64_t fetch_number(const std::string& sql, const std::vector<Param>& params) {
  execute(sql, params);
  return server([] {
    bool is_null;
    return DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null));
  });
}

SPIPlanPtr prepare(const std::string& sql, std::initializer_list<Oid> types) {
  return server([&] { return prepare_raw(sql.c_str(), types); });
}

SPIPlanPtr saved_plan(const std::string& sql, std::initializer_list<Oid> types) {
  // A session asks few different queries. When there are more than this, start over.
  constexpr std::size_t kMaxPlans = 64;
  static auto* plans = new std::unordered_map<std::string, SPIPlanPtr>;

  std::string key = sql;
  for (Oid type : types) key += format("/%u", type);
  auto found = plans->find(key);
  if (found != plans->end()) return found->second;

  if (plans->size() >= kMaxPlans && running_streams == 0) {
    server([&] {
      for (auto& entry : *plans) SPI_freeplan(entry.second);
    });
    plans->clear();
  }
  SPIPlanPtr plan = server([&] {
    SPIPlanPtr prepared = prepare_raw(sql.c_str(), types);
    SPI_keepplan(prepared);
    return prepared;
  });
  (*plans)[key] = plan;
  return plan;
}

TupleDesc result_columns(SPIPlanPtr plan) {
  return server([&] {
    List* sources = SPI_plan_get_plan_sources(plan);
    return static_cast<CachedPlanSource*>(linitial(sources))->resultDesc;
  });
}

void check_columns(TupleDesc columns, const std::vector<Oid>& types) {
  bool as_expected = columns->natts == static_cast<int>(types.size());
  int i = 0;
  for (Oid type : types) {
    if (!as_expected) break;
    as_expected = !OidIsValid(type) || TupleDescAttr(columns, i)->atttypid == type;
    ++i;
  }
  if (!as_expected)
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("the columns of a table or query have changed while als used it"),
                    errhint("Try again.")));
}

void stream_rows(SPIPlanPtr plan, std::initializer_list<Param> params,
                 const std::vector<Oid>& types, RowFunction on_row, void* state) {
  StreamScope scope;
  server([&] {
    RowReceiver receiver{};
    receiver.base.receiveSlot = receive_row;
    receiver.base.rStartup = start_receiving;
    receiver.base.rShutdown = stop_receiving;
    receiver.base.rDestroy = stop_receiving;
    receiver.base.mydest = DestNone;
    receiver.on_row = on_row;
    receiver.state = state;
    receiver.types = &types;
    receiver.row_context =
        AllocSetContextCreate(CurrentMemoryContext, "als row", ALLOCSET_SMALL_SIZES);
    ParamListInfo list = params.size() > 0 ? param_list(params) : nullptr;
#if PG_VERSION_NUM >= 140000
    SPIExecuteOptions options{};
    options.params = list;
    options.read_only = true;
    options.dest = &receiver.base;
    int code = SPI_execute_plan_extended(plan, &options);
    if (code < 0) raise_spi_error("SPI_execute_plan", code);
#else
    // No receiver of our own before 14: batches through a cursor (1,000 rows measured best).
    Portal portal = SPI_cursor_open_with_paramlist(nullptr, plan, list, true);
    start_receiving(&receiver.base, 0, portal->tupDesc);
    TupleTableSlot* slot = nullptr;
    for (;;) {
      SPI_cursor_fetch(portal, true, 1000);
      if (SPI_processed == 0) break;
      if (slot == nullptr) slot = MakeSingleTupleTableSlot(SPI_tuptable->tupdesc, &TTSOpsHeapTuple);
      for (uint64 i = 0; i < SPI_processed; ++i) {
        ExecStoreHeapTuple(SPI_tuptable->vals[i], slot, false);
        receive_row(slot, &receiver.base);
      }
      ExecClearTuple(slot);
      SPI_freetuptable(SPI_tuptable);
    }
    if (slot != nullptr) ExecDropSingleTupleTableSlot(slot);
    SPI_cursor_close(portal);
#endif
    MemoryContextDelete(receiver.row_context);
  });
}

std::string relation_name(Oid relation) {
  const char* name = server([&]() -> const char* {
    char* relname = get_rel_name(relation);
    if (relname == nullptr) return "";
    char* schema = get_namespace_name(get_rel_namespace(relation));
    return schema == nullptr ? "" : quote_qualified_identifier(schema, relname);
  });
  return name;
}

std::string locked_name(Oid relation) {
  server([&] { LockRelationOid(relation, AccessShareLock); });
  std::string name = relation_name(relation);
  if (name.empty())
    throw UserError(ERRCODE_UNDEFINED_TABLE, "a table of the model has been dropped meanwhile",
                    "Try again.");
  return name;
}

std::string quoted(const std::string& identifier) {
  return server([&] { return quote_identifier(identifier.c_str()); });
}

}  // namespace als::pg
