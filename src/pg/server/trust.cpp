// Asks the catalogs who owns what the caller is about to run.
#include "pg/server/trust.h"

namespace als::pg {

namespace {

bool is_distrusted_function(Oid function, void*) { return !caller_trusts_function(function); }

/// Ranges may have a function for the difference of two values, by which the server estimates how
/// many rows an operator finds. Other types that anybody may make bring none.
bool is_distrusted_range(Node* node) {
  if (IsA(node, List)) return false;
  const Oid given = exprType(node);
  if (!OidIsValid(given)) return false;  // since 17: the ERROR ON ERROR of JSON_VALUE() has none
  const Oid type = getBaseType(given);
  const char kind = get_typtype(type);
  return (kind == TYPTYPE_RANGE || kind == TYPTYPE_MULTIRANGE) && !caller_trusts_type(type);
}

bool has_distrusted(Node* node, void* context) {
  if (node == nullptr) return false;
  if (check_functions_in_node(node, is_distrusted_function, context) || is_distrusted_range(node))
    return true;
  return walk_nodes_below(node, has_distrusted, context);
}

}  // namespace

bool caller_trusts(Oid role, Oid caller) {
  return role == caller || superuser_arg(role) || has_role_by_membership(caller, role);
}

Oid owner_of(Oid relation) {
  return GetSysCacheOid1(RELOID, Anum_pg_class_relowner, ObjectIdGetDatum(relation));
}

Oid function_owner(Oid function) {
  return GetSysCacheOid1(PROCOID, Anum_pg_proc_proowner, ObjectIdGetDatum(function));
}

bool caller_trusts_function(Oid function, Oid caller) {
  // initdb's are the superuser's.
  if (function < FirstNormalObjectId) return true;
  const Oid owner = function_owner(function);
  return OidIsValid(owner) && caller_trusts(owner, caller);
}

void check_cast_is_trusted(Oid from, Oid to, Oid function, const char* hint) {
  if (!OidIsValid(function) || caller_trusts_function(function)) return;
  ereport(ERROR,
          (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
           errmsg("the cast from %s to %s runs code of a role that you do not trust",
                  format_type_be(from), format_type_be(to)),
           errdetail("Its function is %s.", format_procedure(function)), errhint("%s", hint)));
}

void check_reading_is_trusted(Oid from, Oid to, const char* hint) {
  const Oid base = getBaseType(from);
  const Oid target = getBaseType(to);
  if (base == target) return;
  Oid function = InvalidOid;
  const CoercionPathType path = find_coercion_pathway(target, base, COERCION_EXPLICIT, &function);
  if (path == COERCION_PATH_FUNC) check_cast_is_trusted(base, target, function, hint);
  if (path == COERCION_PATH_ARRAYCOERCE)
    check_reading_is_trusted(get_base_element_type(base), get_base_element_type(target), hint);
  // Whoever owns one of the types may make a cast at any moment, which no lock keeps out.
  for (const Oid type : {base, target})
    if (!caller_trusts_type(type))
      ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                      errmsg("a cast from %s to %s may run code of a role that you do not trust",
                             format_type_be(base), format_type_be(target)),
                      errdetail("Type %s belongs to that role.", format_type_be(type)),
                      errhint("%s", hint)));
}

bool caller_trusts_type(Oid type) {
  // initdb's are the superuser's. InvalidOid is below what is no domain.
  if (type < FirstNormalObjectId) return true;
  const Datum key = ObjectIdGetDatum(type);
  const Oid owner = GetSysCacheOid1(TYPEOID, Anum_pg_type_typowner, key);
  return OidIsValid(owner) && caller_trusts(owner) &&
         caller_trusts_type(GetSysCacheOid1(TYPEOID, Anum_pg_type_typbasetype, key));
}

bool caller_trusts_expression(Node* expression) { return !has_distrusted(expression, nullptr); }

}  // namespace als::pg
