// Spells what statements on nodes say of ratings and ids.
#include "pg/batch/spread_ratings.h"

#include "pg/model/factor_table.h"
#include "pg/spread/table_beside_users.h"

namespace als::pg {

bool SpreadRatings::lie_beside_users() const {
  const IdType& user = id_type(Side::kUsers);
  return users_are_on_nodes(model(), user) && !source_.weight_col &&
         source_.id_types.users->collated() == user.collated() &&
         source_.id_types.items->collated() == id_type(Side::kItems).collated() &&
         lies_beside_users(source_, model());
}

std::string SpreadRatings::table(Side side) const {
  return locked_name(model().factor_tables[side].named);
}

bool SpreadRatings::has_checksums(Side side) const {
  const Oid table = model().factor_tables[side].named;
  return server([&] { return number_of(kChecksum, table) != InvalidAttrNumber; });
}

std::string SpreadRatings::rows() const {
  return "(select " + quoted(source_.user_col) + " as rated_by, " + quoted(source_.item_col) +
         " as rated_item, " + source_.rating_as_float8() + " as rated from " +
         source_.rows_that_count() + ") ratings";
}

std::string SpreadRatings::same(Side side, const char* one, const char* other) const {
  return server([&] { return equals_condition(id_type(side), one, other); });
}

}  // namespace als::pg
