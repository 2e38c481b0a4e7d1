// als.integer_id and als.integers: integers as an argument, whichever of the server's types a
// caller sends.
//
// A value of als.integer_id is that of a bigint. A value of als.integers is an array of smallint,
// int or bigint, which says of which.
#include "pg/sql/integers.h"

#include "pg/server/args.h"
#include "pg/sql/array_elements.h"

namespace als::pg {

namespace {

bool is_own_type(Oid type, const char* name) {
  return type >= FirstNormalObjectId &&
         type == GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum(name),
                                 ObjectIdGetDatum(get_namespace_oid("als", true)));
}

/// type: a domain over one of the three, too.
std::int64_t integer(Datum value, Oid type) {
  switch (getBaseType(type)) {
    case INT2OID:
      return DatumGetInt16(value);
    case INT4OID:
      return DatumGetInt32(value);
    case INT8OID:
      return DatumGetInt64(value);
    default:
      elog(ERROR, "not an integer type: %u", type);
  }
}

}  // namespace

Oid argument_type(FunctionCallInfo fcinfo, int index) {
  Oid type = get_fn_expr_argtype(fcinfo->flinfo, index);
  return is_own_type(type, "integer_id") ? INT8OID : type;
}

bool is_array(Oid type) {
  return OidIsValid(get_base_element_type(type)) || is_own_type(type, "integers");
}

std::vector<std::int64_t> integers_arg(FunctionCallInfo fcinfo, int index, const char* name) {
  require_arg(fcinfo, index, name);
  const ArrayElements elements = server([&] { return array_elements(PG_GETARG_DATUM(index)); });
  std::vector<std::int64_t> integers;
  for (int i = 0; i < elements.n; ++i) {
    if (elements.nulls[i])
      throw UserError(ERRCODE_NULL_VALUE_NOT_ALLOWED, format("%s must not hold a null", name),
                      "Leave the null out.");
    integers.push_back(server([&] { return integer(elements.values[i], elements.type); }));
  }
  return integers;
}

}  // namespace als::pg

ALS_SQL_FUNCTION(als_integers_in)
ALS_SQL_FUNCTION(als_integers_of_one)
ALS_SQL_FUNCTION(als_integers_of_array)

/// als._integers_in(cstring): als.integers; '{5,10}', or one number
Datum als_integers_in(PG_FUNCTION_ARGS) {
  char* text = PG_GETARG_CSTRING(0);
  char* literal = std::strchr(text, '{') != nullptr ? text : psprintf("{%s}", text);
  Oid input;
  Oid parameter;
  getTypeInputInfo(INT8ARRAYOID, &input, &parameter);
  return OidInputFunctionCall(input, literal, parameter, -1);
}

/// als._integers(smallint | int | bigint): als.integers
Datum als_integers_of_one(PG_FUNCTION_ARGS) {
  Datum value =
      Int64GetDatum(als::pg::integer(PG_GETARG_DATUM(0), get_fn_expr_argtype(fcinfo->flinfo, 0)));
  PG_RETURN_ARRAYTYPE_P(
      construct_array(&value, 1, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

/// als._integers(smallint[] | int[] | bigint[]): als.integers
Datum als_integers_of_array(PG_FUNCTION_ARGS) { return PG_GETARG_DATUM(0); }
