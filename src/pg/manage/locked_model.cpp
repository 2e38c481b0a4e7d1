// als._locked_model: a model's name for statements that are put together in PL/pgSQL.
#include "pg/model/model_table.h"
#include "pg/sql/spi.h"

namespace als::pg {

namespace {

/// As a query on it would: whoever may not read a model is not to keep a lock on it.
void check_may_read(Oid model) {
  const Oid caller = GetUserId();
  if (pg_class_aclcheck(model, caller, ACL_SELECT) != ACLCHECK_OK &&
      pg_attribute_aclcheck_all(model, caller, ACL_SELECT, ACLMASK_ANY) != ACLCHECK_OK)
    aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_TABLE, get_rel_name(model));
}

}  // namespace

}  // namespace als::pg

ALS_SQL_FUNCTION(als_locked_model)

/// als._locked_model(model regclass): text
Datum als_locked_model(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  return guard([&] {
    const Oid model = PG_GETARG_OID(0);
    check_is_model(model);
    server([&] { check_may_read(model); });
    lock_model_table(model);
    const std::string name = relation_name(model);
    return server([&] { return CStringGetTextDatum(name.c_str()); });
  });
}
