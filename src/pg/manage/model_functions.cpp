// als._record_function: whose the functions are that als.create_functions makes.

#include "pg/model/model.h"
#include "pg/server/trust.h"

namespace als::pg {

namespace {

/// Dropping the model takes the function along, as it does the factor tables; and so whoever may
/// say that may drop the function.
void record_function(Oid function, Oid model) {
  check_owns_relation(model);
  const Oid owner = function_owner(function);
  if (!OidIsValid(owner) || !has_privs_of_role(GetUserId(), owner))
    aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_FUNCTION, get_func_name(function));
  ObjectAddress dependent;
  ObjectAddress referenced;
  ObjectAddressSet(dependent, ProcedureRelationId, function);
  ObjectAddressSet(referenced, RelationRelationId, model);
  recordDependencyOn(&dependent, &referenced, DEPENDENCY_AUTO);
}

}  // namespace

}  // namespace als::pg

ALS_SQL_FUNCTION(als_record_function)

/// als._record_function(made regprocedure, model regclass)
Datum als_record_function(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  return guard([&]() -> Datum {
    const Oid model = PG_GETARG_OID(1);
    check_is_model(model);
    server([&] { record_function(PG_GETARG_OID(0), model); });
    PG_RETURN_VOID();
  });
}
