// als.models: the models that the caller may read, each with its newest run.

#include "pg/model/newest_run.h"
#include "pg/server/guard.h"

namespace als::pg {

namespace {

struct ModelTable {
  Oid oid;
  Oid owner;
};

bool may_be_shown(Form_pg_class table) {
  return (table->relkind == RELKIND_RELATION || table->relkind == RELKIND_PARTITIONED_TABLE) &&
         !isOtherTempNamespace(table->relnamespace) &&
         may_in_schema(table->relnamespace, ACL_USAGE);
}

/// The tables of type als.model, as ModelTable.
List* model_tables(Oid model_type) {
  List* tables = NIL;
  ScanKeyData key;
  ScanKeyInit(&key, Anum_pg_class_reloftype, BTEqualStrategyNumber, F_OIDEQ,
              ObjectIdGetDatum(model_type));
  Relation catalog = table_open(RelationRelationId, AccessShareLock);
  SysScanDesc scan = systable_beginscan(catalog, InvalidOid, false, nullptr, 1, &key);
  for (HeapTuple tuple; HeapTupleIsValid(tuple = systable_getnext(scan));) {
    auto* form = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple));
    if (!may_be_shown(form)) continue;
    auto* table = static_cast<ModelTable*>(palloc(sizeof(ModelTable)));
    *table = {form->oid, form->relowner};
    tables = lappend(tables, table);
  }
  systable_endscan(scan);
  table_close(catalog, AccessShareLock);
  return tables;
}

/// Those that have lost their type in a cluster.
List* add_models_on_all_nodes(List* tables) {
  ListCell* cell;
  foreach (cell, models_on_all_nodes()) {
    HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(lfirst_oid(cell)));
    if (!HeapTupleIsValid(tuple)) continue;
    auto* form = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple));
    if (!OidIsValid(form->reloftype) && may_be_shown(form)) {
      auto* table = static_cast<ModelTable*>(palloc(sizeof(ModelTable)));
      *table = {form->oid, form->relowner};
      tables = lappend(tables, table);
    }
    ReleaseSysCache(tuple);
  }
  return tables;
}

bool may_read(Oid table) {
  return SearchSysCacheExists1(RELOID, ObjectIdGetDatum(table)) &&  // else just dropped
         pg_class_aclcheck(table, GetUserId(), ACL_SELECT) == ACLCHECK_OK;
}

Datum composite(const NewestRun& run, TupleDesc run_type) {
  return heap_copy_tuple_as_datum(heap_form_tuple(run_type, run.values, run.nulls), run_type);
}

void put_row(ReturnSetInfo* result, const ModelTable& table, const NewestRun& run,
             TupleDesc run_type) {
  const char* problem =
      run.found || run.problem != nullptr ? run.problem : "it holds no training run";
  const char* owner = GetUserNameFromId(table.owner, true);
  NameData owner_name;
  namestrcpy(&owner_name, owner == nullptr ? "" : owner);
  Datum values[4] = {ObjectIdGetDatum(table.oid), NameGetDatum(&owner_name),
                     run.found ? composite(run, run_type) : 0,
                     problem == nullptr ? 0 : CStringGetTextDatum(problem)};
  bool nulls[4] = {false, owner == nullptr, !run.found, problem == nullptr};
  tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/// All rows of the view. Each is made in a memory context that is emptied before the next.
void put_rows(ReturnSetInfo* result) {
  const Oid model_type = TupleDescAttr(result->setDesc, 2)->atttypid;
  TupleDesc run_type = nullptr;
  List* tables = NIL;
  MemoryContext scratch = nullptr;
  server([&] {
    run_type = lookup_rowtype_tupdesc_copy(model_type, -1);
    tables = add_models_on_all_nodes(model_tables(model_type));
    scratch = AllocSetContextCreate(CurrentMemoryContext, "als newest run", ALLOCSET_DEFAULT_SIZES);
  });
  MemoryContext outer = MemoryContextSwitchTo(scratch);
  ListCell* cell;
  foreach (cell, tables) {
    const auto& table = *static_cast<ModelTable*>(lfirst(cell));
    const bool is_shown = server([&] {
      CHECK_FOR_INTERRUPTS();
      MemoryContextReset(scratch);
      return may_read(table.oid);
    });
    if (!is_shown) continue;
    const NewestRun run = read_newest_run(table.oid, run_type, Reading::kNeverWaiting);
    server([&] { put_row(result, table, run, run_type); });
  }
  MemoryContextSwitchTo(outer);
}

}  // namespace

}  // namespace als::pg

ALS_SQL_FUNCTION(als_models)

/// als._models(): rows (model regclass, owner name, run als.model, problem text)
Datum als_models(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  init_materialized_srf(fcinfo);
  return guard([&] {
    put_rows(reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo));
    return static_cast<Datum>(0);
  });
}
