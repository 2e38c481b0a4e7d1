// als.integer_id and als.integers: integers as an argument, whichever of the server's types a
// caller sends.
//
// A value of als.integer_id is that of a bigint. A value of als.integers is an array of smallint,
// int or bigint, which says of which.
#include "pg/server/integers.h"

#include "pg/server/args.h"

namespace als::pg {

namespace {

bool is_own_type(Oid type, const char* name) {
  return type >= FirstNormalObjectId &&
         type == GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum(name),
                                 ObjectIdGetDatum(get_namespace_oid("als", true)));
}

std::int64_t integer(Datum value, Oid type) {
  switch (type) {
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

Oid element_type(Oid type, Datum array) {
  if (is_own_type(type, "integers")) return ARR_ELEMTYPE(DatumGetArrayTypeP(array));
  return get_base_element_type(type);
}

std::vector<std::int64_t> integers_arg(FunctionCallInfo fcinfo, int index, const char* name) {
  require_arg(fcinfo, index, name);
  struct Elements {
    std::int64_t* values;
    int n;
    bool null;
  };
  auto elements = server([&] {
    Elements result{};
    ArrayType* array = PG_GETARG_ARRAYTYPE_P(index);
    const Oid type = ARR_ELEMTYPE(array);
    int16 length;
    bool by_value;
    char align;
    Datum* values;
    bool* nulls;
    get_typlenbyvalalign(type, &length, &by_value, &align);
    deconstruct_array(array, type, length, by_value, align, &values, &nulls, &result.n);
    result.values = static_cast<std::int64_t*>(palloc(sizeof(std::int64_t) * result.n));
    for (int i = 0; i < result.n; ++i) {
      result.null |= nulls[i];
      result.values[i] = nulls[i] ? 0 : integer(values[i], type);
    }
    return result;
  });
  if (elements.null)
    throw UserError(ERRCODE_NULL_VALUE_NOT_ALLOWED, format("%s must not hold a null", name));
  return {elements.values, elements.values + elements.n};
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
