// The columns of ids in a model's tables, where those of its source have another type by now.
#include "pg/model/model_writer.h"
#include "pg/model/ownership.h"

namespace als::pg {

/// Nobody wants to hear at the end of a training that the column cannot be altered.
void ModelWriter::check_id_column_can_change(Side side) const {
  const Oid table = factor_table(side);
  if (server([&] { return is_distributed_by(table, id_column(side)); }))
    throw UserError(ERRCODE_FEATURE_NOT_SUPPORTED,
                    format("the type of column \"%s\", by which %s is distributed, cannot change",
                           id_column(side), relation_name(table).c_str()),
                    "Train a model of another name, or remove this one with als.drop_model.");
  const bool is_used = server([&] {
    check_owns_relation(table);
    return column_is_used_by_rule(table, get_attnum(table, id_column(side)));
  });
  if (is_used)
    throw UserError(ERRCODE_FEATURE_NOT_SUPPORTED,
                    format("the type of column \"%s\" of %s cannot change while a view uses it",
                           id_column(side), relation_name(table).c_str()),
                    "Drop the view, and make it again after the training.");
}

void ModelWriter::change_id_type(Side side, const CollatedType& type, const char* conversion) {
  const std::string name = server([&] { return column_type(type); });
  execute("alter table only " + relation_name(factor_table(side)) + " alter column " +
          id_column(side) + " type " + name + conversion);
}

bool ModelWriter::widen_ids(const BySide<const IdType*>& id_types) {
  bool changed = false;
  for (Side side : {Side::kUsers, Side::kItems}) {
    if (has_ids_of(side, id_types[side]->collated())) continue;
    if (server([&] { return is_attached(factor_table(side)); }))
      throw UserError(
          ERRCODE_DATATYPE_MISMATCH,
          format("%s ids of the source are %s, those of table %s, which is attached to "
                 "the model, are not",
                 side_name(side), id_types[side]->name, relation_name(factor_table(side)).c_str()),
          "Change the type of the column with ALTER TABLE.");
    check_id_column_can_change(side);
    change_id_type(side, id_types[side]->collated(), "");
    changed = true;
  }
  return changed;
}

}  // namespace als::pg
