// The tables of a model in a cluster: its row and its items on all nodes, its users distributed.
//
// They have no triggers, which Citus does not take, and no types of their own. That the factors are
// the model's is recorded on the node that made them.
#include "pg/model/model_writer.h"
#include "pg/nodes/cluster_nodes.h"
#include "pg/sql/params.h"

namespace als::pg {

namespace {

void copy_to_all_nodes(Oid table) {
  execute("select pg_catalog.create_reference_table($1)", {class_param(table)});
}

/// Whether equal values of the columns that two tables are distributed by may lie on one node.
bool can_be_colocated(Oid factors, const char* column, Oid with) {
  const AttrNumber other = distribution_column(with);
  return other != InvalidAttrNumber &&
         get_atttype(factors, get_attnum(factors, column)) == get_atttype(with, other);
}

/// Whether values of a type are, or hold, those of an enum. The server hashes these by their oids,
/// which differ from node to node: some nodes would look for a user where he is not.
bool holds_enum(Oid type) {
  const Oid base = getBaseType(type);
  if (type_is_enum(base)) return true;
  if (const Oid element = get_element_type(base); OidIsValid(element)) return holds_enum(element);
  if (!type_is_rowtype(base)) return false;
  TupleDesc columns = lookup_rowtype_tupdesc_copy(base, -1);
  for (int i = 0; i < columns->natts; ++i) {
    Form_pg_attribute column = TupleDescAttr(columns, i);
    if (!column->attisdropped && holds_enum(column->atttypid)) return true;
  }
  return false;
}

}  // namespace

void ModelWriter::check_is_found_from_all_nodes(Oid users) {
  const char* type = server([&]() -> const char* {
    const Oid id = get_atttype(users, get_attnum(users, id_column(Side::kUsers)));
    return holds_enum(id) ? format_type_be(id) : nullptr;
  });
  if (type != nullptr)
    throw UserError(ERRCODE_FEATURE_NOT_SUPPORTED,
                    format("Citus does not find users by ids of type %s from all nodes", type),
                    "Distribute the ratings by ids of another type, such as text.",
                    "Values of enums are hashed by their OIDs, which differ from node to node.");
}

bool ModelWriter::is_spread() const {
  return server([&] { return cluster_table(table_).spread != TableSpread::kNone; });
}

void ModelWriter::create_model_table_on_all_nodes() {
  check_is_coordinator();
  if (server([&] { return isAnyTempNamespace(target_table_.schema()); }))
    throw UserError(ERRCODE_FEATURE_NOT_SUPPORTED, "Citus spreads no temporary tables",
                    "Train a model in another schema than pg_temp, or with distributed => false.");
  // Without a type, which Citus would give to none of the copies.
  execute("create table " + qualified_name() + " (like als.model, primary key (run))");
  table_ = target_table_.find_made();
  copy_to_all_nodes(table_);
}

void ModelWriter::spread_factor_table(Side side, Oid factors, Oid by_user_of) const {
  if (side == Side::kItems) {
    copy_to_all_nodes(factors);
    return;
  }
  check_is_found_from_all_nodes(factors);
  const bool colocated =
      server([&] { return can_be_colocated(factors, id_column(side), by_user_of); });
  const std::string with = colocated ? relation_name(by_user_of) : "default";
  execute("select pg_catalog.create_distributed_table($1, $2, colocate_with => $3)",
          {class_param(factors), text_param(id_column(side)), text_param(with.c_str())});
}

}  // namespace als::pg
