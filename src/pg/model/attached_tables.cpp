// Models of tables that were there before them: on one server, or spread over the nodes of a
// cluster.
//
// On one server the tables get a trigger, which goes with the model. Citus takes none: there
// whoever changes factors gives the model a new version himself.
#include "pg/model/model_writer.h"
#include "pg/model/ownership.h"
#include "pg/nodes/cluster_nodes.h"

namespace als::pg {

void ModelWriter::attach_tables(const BySide<Oid>& tables) {
  factor_tables_ = tables;
  if (server([&] { return cluster_table(tables.items).spread; }) != TableSpread::kNone) {
    if (server([&] { return is_distributed_by(tables.users, id_column(Side::kUsers)); }))
      check_is_found_from_all_nodes(tables.users);
    create_model_table_on_all_nodes();
    return;
  }
  create_model_table();
  for (Side side : {Side::kUsers, Side::kItems}) {
    watch_factor_table(tables[side], kAttachedTrigger);
    server([&] { record_model(tables[side], table_); });
  }
}

/// Nobody's own table is emptied for a training.
void ModelWriter::check_is_not_attached(Oid factors) const {
  // Only the node that has made tables which Citus spreads knows that it has.
  if (server([&] { return cluster_table(factors).spread; }) != TableSpread::kNone)
    check_is_coordinator();
  if (!server([&] { return is_attached(factors); })) return;
  throw UserError(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                  format("the factors of model %s are in %s, which als.attach_model has found",
                         qualified_name().c_str(), relation_name(factors).c_str()),
                  "Give the training another model's name, or remove this one with als.drop_model, "
                  "which leaves the table.");
}

}  // namespace als::pg
