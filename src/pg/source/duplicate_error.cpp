// From a DuplicateRating of the engine to an error that names the ids.
#include "pg/source/duplicate_error.h"

#include "pg/server/guard.h"

namespace als::pg {

void throw_duplicate_rating(const IdType& user_type, Datum user, const IdType& item_type,
                            Datum item, const std::string& where, const std::string& hint) {
  const char* user_text = server([&] { return id_text(user_type, user); });
  const char* item_text = server([&] { return id_text(item_type, item); });
  throw UserError(
      ERRCODE_CARDINALITY_VIOLATION,
      format("user %s has more than one rating for item %s%s", user_text, item_text, where.c_str()),
      hint);
}

}  // namespace als::pg
