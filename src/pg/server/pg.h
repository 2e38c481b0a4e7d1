// The one file that includes the server's headers, undoes the macros that clash with C++, and holds
// whatever differs between server versions.
#pragma once

#ifdef ALS_ENGINE
#error "src/core and src/report are compiled without the server's headers"
#endif

// Standard headers come first: the server's macros would change what they declare.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// The module is compiled with hidden visibility; before 16 the server leaves this one empty.
#define PGDLLEXPORT __attribute__((visibility("default")))

extern "C" {
#include "postgres.h"

#include "access/detoast.h"
#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/nbtree.h"
#include "access/parallel.h"
#include "access/relation.h"
#include "access/sysattr.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/toast_internals.h"
#include "access/tsmapi.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_am_d.h"
#include "catalog/pg_authid_d.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_foreign_data_wrapper_d.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_namespace_d.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_partitioned_table.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_rewrite_d.h"
#include "catalog/pg_statistic_ext.h"
#include "catalog/pg_subscription_rel.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/comment.h"
#include "commands/dbcommands.h"
#include "commands/defrem.h"
#include "commands/extension.h"
#include "commands/trigger.h"
#include "common/hashfn.h"
#include "common/shortest_dec.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "foreign/foreign.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/supportnodes.h"
#include "optimizer/plancat.h"
#include "optimizer/planner.h"
#include "parser/parse_coerce.h"
#include "parser/parse_func.h"
#include "partitioning/partdesc.h"
#include "pgstat.h"
#include "port/pg_bswap.h"
#include "storage/dsm.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "storage/lwlock.h"
#include "storage/pmsignal.h"
#include "storage/proc.h"
#include "storage/shmem.h"
#include "tcop/dest.h"
#include "tcop/pquery.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/datum.h"
#include "utils/expandeddatum.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/guc_tables.h"
#include "utils/inval.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/partcache.h"
#include "utils/plancache.h"
#include "utils/regproc.h"
#include "utils/resowner.h"
#include "utils/rls.h"
#include "utils/ruleutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"
#include "utils/typcache.h"
#include "utils/uuid.h"
#include "utils/varlena.h"
#if PG_VERSION_NUM >= 140000
#include "utils/backend_progress.h"
#include "utils/backend_status.h"
#endif
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif
#if PG_VERSION_NUM >= 170000
#include "storage/dsm_registry.h"
#endif
}

#if PG_VERSION_NUM < 140000
constexpr Oid MONEYOID = CASHOID;
constexpr Oid PG_LSNOID = LSNOID;
constexpr char TYPTYPE_MULTIRANGE = 'm';  // has none
#endif

#undef Abs
#undef Max
#undef Min
#undef fprintf
#undef printf
#undef snprintf
#undef sprintf
#undef strerror
#undef strerror_r
#undef vfprintf
#undef vprintf
#undef vsnprintf
#undef vsprintf
#undef gettext
#undef dgettext
#undef ngettext
#undef dngettext

// Catalogs are read by catalog_column() instead: this calls heap_datum_check() since 15.19 and the
// like, and a module that does would not load into an earlier minor version.
#undef heap_getattr
#pragma GCC poison heap_getattr

/// Declares a function that SQL can call: exported (before 16 the server's macro alone leaves it
/// hidden), and in the server's calling convention.
#define ALS_SQL_FUNCTION(name)              \
  extern "C" {                              \
  PGDLLEXPORT Datum name(PG_FUNCTION_ARGS); \
  PG_FUNCTION_INFO_V1(name);                \
  }

namespace als::pg {

/// The role whose members see what all sessions do.
#if PG_VERSION_NUM >= 140000
constexpr Oid kReadAllStats = ROLE_PG_READ_ALL_STATS;
#else
constexpr Oid kReadAllStats = DEFAULT_ROLE_READ_ALL_STATS;
#endif

/// The local transaction id of this backend's transaction.
inline LocalTransactionId current_lxid() {
#if PG_VERSION_NUM >= 170000
  return MyProc->vxid.lxid;
#else
  return MyProc->lxid;
#endif
}

/// The status entry of the i-th backend (1-based) in this transaction's copy of the statistics.
inline LocalPgBackendStatus* local_backend_entry(int i) {
#if PG_VERSION_NUM >= 160000
  return pgstat_get_local_beentry_by_index(i);
#else
  return pgstat_fetch_stat_local_beentry(i);
#endif
}

/// Whether the current user has the rights of a relation's owner.
inline bool owns_relation(Oid relation) {
#if PG_VERSION_NUM >= 160000
  return object_ownercheck(RelationRelationId, relation, GetUserId());
#else
  return pg_class_ownercheck(relation, GetUserId());
#endif
}

/// Raises 42501, as the server does, unless the current user has the rights of a relation's owner.
inline void check_owns_relation(Oid relation) {
  if (!owns_relation(relation))
    aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_TABLE, get_rel_name(relation));
}

/// Whether a role is a member of another and so has its rights, or may become it. That superusers
/// may become anybody does not count.
inline bool has_role_by_membership(Oid member, Oid role) {
#if PG_VERSION_NUM >= 160000
  // Since 16 whoever has made a role, but for superusers, is a member of it who can do neither. Of
  // superusers the server says both, whatever they are members of.
  if (!superuser_arg(member))
    return has_privs_of_role(member, role) || member_can_set_role(member, role);
#endif
  return is_member_of_role_nosuper(member, role);
}

/// Gives up a plan of SPI_plan_get_cached_plan() for a statement that is not kept.
inline void release_unsaved_plan(CachedPlan* plan) {
#if PG_VERSION_NUM >= 140000
  ReleaseCachedPlan(plan, nullptr);
#else
  ReleaseCachedPlan(plan, false);
#endif
}

/// A scan of a whole index.
inline IndexScanDesc begin_index_scan(Relation table, Relation index, Snapshot snapshot) {
#if PG_VERSION_NUM >= 180000
  IndexScanDesc scan = index_beginscan(table, index, snapshot, nullptr, 0, 0);
#else
  IndexScanDesc scan = index_beginscan(table, index, snapshot, 0, 0);
#endif
  index_rescan(scan, nullptr, 0, nullptr, 0);
  return scan;
}

/// Whether the current role has a privilege on a schema: ACL_USAGE or ACL_CREATE.
inline bool may_in_schema(Oid schema, AclMode privilege) {
#if PG_VERSION_NUM >= 160000
  return object_aclcheck(NamespaceRelationId, schema, GetUserId(), privilege) == ACLCHECK_OK;
#else
  return pg_namespace_aclcheck(schema, GetUserId(), privilege) == ACLCHECK_OK;
#endif
}

/// Calls walker(node, context) for each node right below this one, until it returns true; returns
/// whether it did.
inline bool walk_nodes_below(Node* node, bool (*walker)(Node*, void*), void* context) {
#if PG_VERSION_NUM >= 160000
  return expression_tree_walker(node, walker, context);
#else
  // Declared as a function of anything. By way of an address, since clang 16 warns of other casts.
  auto untyped = reinterpret_cast<bool (*)()>(reinterpret_cast<void*>(walker));
  return expression_tree_walker(node, untyped, context);
#endif
}

/// The same of a query, with the entries of its range table, each before what is below it.
inline bool walk_query(Query* query, bool (*walker)(Node*, void*), void* context) {
#if PG_VERSION_NUM >= 160000
  return query_tree_walker(query, walker, context, QTW_EXAMINE_RTES_BEFORE);
#else
  auto untyped = reinterpret_cast<bool (*)()>(reinterpret_cast<void*>(walker));
  return query_tree_walker(query, untyped, context, QTW_EXAMINE_RTES_BEFORE);
#endif
}

/// Sets up a set-returning function that fills rsinfo->setResult.
inline void init_materialized_srf(FunctionCallInfo fcinfo) {
#if PG_VERSION_NUM >= 150000
  InitMaterializedSRF(fcinfo, 0);
#else
  auto* rsinfo = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);
  if (rsinfo == nullptr || !IsA(rsinfo, ReturnSetInfo) ||
      !(rsinfo->allowedModes & SFRM_Materialize))
    ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                    errmsg("set-valued function called in context that cannot accept a set")));
  MemoryContext old = MemoryContextSwitchTo(rsinfo->econtext->ecxt_per_query_memory);
  TupleDesc desc;
  if (get_call_result_type(fcinfo, nullptr, &desc) != TYPEFUNC_COMPOSITE)
    elog(ERROR, "return type must be a row type");
  rsinfo->setDesc = CreateTupleDescCopy(desc);
  rsinfo->setResult =
      tuplestore_begin_heap((rsinfo->allowedModes & SFRM_Materialize_Random) != 0, false, work_mem);
  rsinfo->returnMode = SFRM_Materialize;
  MemoryContextSwitchTo(old);
#endif
}

/// Claims the prefix of the module's settings, so that a misspelt one is an error.
inline void reserve_setting_prefix(const char* prefix) {
#if PG_VERSION_NUM >= 150000
  MarkGUCPrefixReserved(prefix);
#else
  EmitWarningsOnPlaceholders(prefix);
#endif
}

}  // namespace als::pg
