// Which types can be ids, how they are compared, and how values of other types become ids; how
// statements spell them, see spelled_ids.cpp.

#include "pg/ids/id_type.h"

#include <cmath>

#include "pg/server/guard.h"
#include "pg/server/trust.h"

namespace als::pg {

namespace {

/// Whether equal values always have equal bytes where they are compared as those of this type are.
/// Operator classes of the server may promise that too, but some of its releases promise it for
/// char(n) and interval, where it does not hold, and clusters keep the catalogs that they were made
/// with. So this is a list of types whose equality is known. A type that is not in it is compared
/// by its own functions.
bool has_equal_image(Oid compared_as, Oid collation) {
  switch (compared_as) {
    case BOOLOID:
    case CHAROID:
    case INT2OID:
    case INT4OID:
    case INT8OID:
    case OIDOID:
    case ANYENUMOID:
    case MONEYOID:
    case DATEOID:
    case TIMEOID:
    case TIMETZOID:
    case TIMESTAMPOID:
    case TIMESTAMPTZOID:
    case UUIDOID:
    case BYTEAOID:
    case BITOID:
    case VARBITOID:
    case INETOID:
    case MACADDROID:
    case MACADDR8OID:
    case PG_LSNOID:
    case TIDOID:
    case XID8OID:
      return true;
    case TEXTOID:
    case NAMEOID:
      return get_collation_isdeterministic(collation);
    default:
      return false;
  }
}

/// Types of the server's own that are compared as themselves: their operators need not be looked
/// up, which takes half a dozen catalogs, unless a collation makes different bytes equal.
bool has_known_order(Oid type) {
  return type == INT2OID || type == INT4OID || type == INT8OID || type == UUIDOID ||
         type == TEXTOID;
}

void find_operators(const IdType& type, const char* what) {
  lookup_type_cache(type.oid, TYPECACHE_BTREE_OPFAMILY | TYPECACHE_EQ_OPR | TYPECACHE_EQ_OPR_FINFO |
                                  TYPECACHE_CMP_PROC_FINFO | TYPECACHE_HASH_PROC_FINFO |
                                  TYPECACHE_HASH_EXTENDED_PROC_FINFO);
  if (OidIsValid(type.cache->cmp_proc_finfo.fn_oid)) return;
  ereport(ERROR, (errcode(ERRCODE_UNDEFINED_FUNCTION),
                  errmsg("%s of type %s cannot be ids", what, type.name),
                  errdetail("The type has no default btree operator class."),
                  errhint("Cast the column in a source query, for example to text.")));
}

/// The server must compare and hash ids by the same idea of equality. It hashes names by their
/// bytes, whatever their collation holds equal.
void check_is_hashable(const IdType& type, const char* what) {
  const bool is_name = type.cache->btree_opintype == NAMEOID;
  if (OidIsValid(type.cache->hash_proc_finfo.fn_oid) && !is_name) return;
  ereport(ERROR, (errcode(ERRCODE_UNDEFINED_FUNCTION),
                  errmsg("%s of type %s cannot be ids", what, type.name),
                  is_name ? errdetail("Their collation holds different names equal.")
                          : errdetail("The type has no default hash operator class."),
                  errhint("Cast the column in a source query, for example to text.")));
}

/// Whether a type's hash function of 64 bits gives equal values equal hashes. That of char(n)
/// hashes the padding too where the collation holds different strings equal.
bool has_hash64(const TypeCacheEntry* cache, Oid collation) {
  return OidIsValid(cache->hash_extended_proc_finfo.fn_oid) &&
         !(cache->btree_opintype == BPCHAROID && !get_collation_isdeterministic(collation));
}

}  // namespace

IdType* describe_id_type(Oid type, Oid collation, const char* what) {
  auto* result = static_cast<IdType*>(palloc0(sizeof(IdType)));
  result->oid = type;
  result->base = getBaseType(type);
  result->collation = collation;
  result->cache = lookup_type_cache(type, 0);
  result->name = format_type_be(type);
  if (!has_known_order(type)) find_operators(*result, what);
  if (OidIsValid(result->cache->typcollation) && !OidIsValid(collation))
    ereport(ERROR,
            (errcode(ERRCODE_INDETERMINATE_COLLATION),
             errmsg("%s have no collation by which they could be compared", what),
             errhint("Write the collation into the source query: \"select ... collate ...\".")));
  // Not the type itself: regclass is compared as oid is, and an operator class that somebody has
  // made for a type of theirs may mean anything by equality.
  const Oid compared_as = has_known_order(type) ? type : result->cache->btree_opintype;
  result->image_equal = has_equal_image(compared_as, collation);
  if (!result->image_equal) {
    find_operators(*result, what);
    check_is_hashable(*result, what);
    result->hash64 = has_hash64(result->cache, collation);
  }
  if (result->by_value()) result->unused_bits = 64 - 8 * result->length();
  return result;
}

const IdType* describe_id_type_in(MemoryContext context, Oid type, Oid collation,
                                  const char* what) {
  return server([&] {
    MemoryContext old = MemoryContextSwitchTo(context);
    const IdType* described = describe_id_type(type, collation, what);
    MemoryContextSwitchTo(old);
    return described;
  });
}

Oid id_array_type(const IdType& type) {
  Oid array = get_array_type(type.base);
  if (!OidIsValid(array))
    ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
                    errmsg("there is no array type for ids of type %s", type.name),
                    errhint("Train on a query that casts them to text, or call for one id.")));
  return array;
}

char* id_text(const IdType& type, Datum id) {
  Oid output;
  bool is_varlena;
  getTypeOutputInfo(type.oid, &output, &is_varlena);
  return OidOutputFunctionCall(output, id);
}

namespace {

/// The bytes of an integer, 0 for other types.
int integer_bytes(Oid type) {
  return type == INT2OID ? 2 : type == INT4OID ? 4 : type == INT8OID ? 8 : 0;
}

struct IntegerRange {
  explicit IntegerRange(int bytes)
      : least(INT64_MIN >> (64 - 8 * bytes)), most(INT64_MAX >> (64 - 8 * bytes)) {}
  bool has(std::int64_t number) const { return least <= number && number <= most; }

  std::int64_t least;
  std::int64_t most;
};

bool is_beyond(Datum number, Oid type, const IntegerRange& range) {
  const auto has = [&](double value) {
    // The most may have no number of its own there. It is one less than this.
    const auto limit = -static_cast<double>(range.least);
    return -limit <= value && std::rint(value) < limit;
  };
  switch (type) {
    case INT2OID:
      return !range.has(DatumGetInt16(number));
    case INT4OID:
      return !range.has(DatumGetInt32(number));
    case INT8OID:
      return !range.has(DatumGetInt64(number));
    case FLOAT4OID:
      return !has(DatumGetFloat4(number));
    case FLOAT8OID:
      return !has(DatumGetFloat8(number));
    case NUMERICOID: {
      // Not a number is more than all.
      const auto numeric = [](std::int64_t integer) {
        return DirectFunctionCall1(int8_numeric, Int64GetDatum(integer));
      };
      return DatumGetBool(DirectFunctionCall2(numeric_lt, number, numeric(range.least))) ||
             DatumGetBool(DirectFunctionCall2(numeric_gt, number, numeric(range.most)));
    }
    default:
      return false;
  }
}

/// Whether a text is the number of an integer beyond a range. What is no number is none.
bool is_beyond(const char* text, const IntegerRange& range) {
  char* end = nullptr;
  errno = 0;
  const std::int64_t number = std::strtoll(text, &end, 10);
  const bool is_large = errno == ERANGE || !range.has(number);
  if (end == text) return false;
  end += std::strspn(end, " \t\n\v\f\r");
  return *end == '\0' && is_large;
}

/// A cast that is not implicit may lose something of a value: finds the way back, if there is one
/// that runs nothing of a stranger's.
void init_way_back(IdConverter* converter, Oid from, Oid to, MemoryContext context) {
  Oid function;
  if (find_coercion_pathway(to, from, COERCION_IMPLICIT, &function) != COERCION_PATH_NONE) return;
  if (find_coercion_pathway(from, to, COERCION_ASSIGNMENT, &function) != COERCION_PATH_FUNC) return;
  const TypeCacheEntry* type = lookup_type_cache(from, TYPECACHE_EQ_OPR_FINFO);
  const Oid equal = type->eq_opr_finfo.fn_oid;
  if (!OidIsValid(equal) || !caller_trusts_function(function) || !caller_trusts_function(equal))
    return;
  converter->may_lose = true;
  converter->n_args_back = get_func_nargs(function);
  fmgr_info_cxt(function, &converter->back, context);
  fmgr_info_cxt(equal, &converter->equal, context);
  converter->collation = type->typcollation;
}

/// Calls the function of a cast, which may also take a type modifier and whether it is explicit.
Datum cast_value(FmgrInfo* function, int n_args, Datum value) {
  if (n_args == 1) return FunctionCall1(function, value);
  if (n_args == 2) return FunctionCall2(function, value, Int32GetDatum(-1));
  return FunctionCall3(function, value, Int32GetDatum(-1), BoolGetDatum(true));
}

char* value_text(const IdConverter& converter, Datum value) {
  if (converter.from_cstring) return DatumGetCString(value);
  Oid output;
  bool is_varlena;
  getTypeOutputInfo(converter.from, &output, &is_varlena);
  return OidOutputFunctionCall(output, value);
}

[[noreturn]] void throw_no_id(const IdConverter& converter, Datum value) {
  ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                  errmsg("%s is not an id of type %s", value_text(converter, value),
                         format_type_be(converter.to)),
                  errhint("Round it or cast it yourself, if that is what is meant.")));
}

}  // namespace

void check_input_is_trusted(Oid type) {
  if (caller_trusts_type(type)) return;
  const Oid element = get_element_type(type);
  if (get_typtype(OidIsValid(element) ? element : type) == TYPTYPE_ENUM) return;
  ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                  errmsg("reading text as %s may run code of a role that you do not trust",
                         format_type_be(type)),
                  errhint("Give a value of this type.")));
}

void init_id_converter(IdConverter* converter, Oid from, Oid to, MemoryContext context) {
  std::memset(converter, 0, sizeof(*converter));
  converter->from = getBaseType(from);
  converter->to = to;
  Oid target = getBaseType(to);
  converter->bytes_to = integer_bytes(target);
  if (from == to || from == target) {
    converter->method = IdConverter::kSame;
    return;
  }
  Oid function = InvalidOid;
  // As in an assignment, except that any text may be read as an id.
  CoercionPathType path = COERCION_PATH_COERCEVIAIO;
  if (from != UNKNOWNOID) {
    path = find_coercion_pathway(target, from, COERCION_ASSIGNMENT, &function);
    if (path == COERCION_PATH_NONE && TypeCategory(getBaseType(from)) == TYPCATEGORY_STRING)
      path = COERCION_PATH_COERCEVIAIO;
  }
  switch (path) {
    case COERCION_PATH_RELABELTYPE:
      converter->method = IdConverter::kSame;
      break;
    case COERCION_PATH_FUNC:
      // Of integers that is within the range.
      if (integer_bytes(target) == 0 || integer_bytes(converter->from) == 0)
        init_way_back(converter, converter->from, target, context);
      check_cast_is_trusted(from, target, function, "Cast the id yourself.");
      converter->method = IdConverter::kFunction;
      converter->n_args = get_func_nargs(function);
      fmgr_info_cxt(function, &converter->function, context);
      break;
    case COERCION_PATH_COERCEVIAIO: {
      check_input_is_trusted(target);
      converter->method = IdConverter::kText;
      converter->from_cstring = from == UNKNOWNOID;
      Oid output;
      Oid input;
      bool is_varlena;
      if (!converter->from_cstring) {
        getTypeOutputInfo(from, &output, &is_varlena);
        fmgr_info_cxt(output, &converter->function, context);
      }
      getTypeInputInfo(target, &input, &converter->input_param);
      fmgr_info_cxt(input, &converter->input, context);
      break;
    }
    default:
      converter->method = IdConverter::kNone;
  }
}

CollatedType column_type_of(Oid table, const char* column) {
  CollatedType found;
  const AttrNumber number = get_attnum(table, column);
  int32 modifier;
  if (number != InvalidAttrNumber)
    get_atttypetypmodcoll(table, number, &found.type, &modifier, &found.collation);
  return found;
}

bool hold_same_equal(Oid collation, Oid other) {
  const auto is_deterministic = [](Oid one) {
    return !OidIsValid(one) || get_collation_isdeterministic(one);
  };
  return collation == other || (is_deterministic(collation) && is_deterministic(other));
}

bool is_widened(const CollatedType& from, const CollatedType& to) {
  if (!hold_same_equal(from.collation, to.collation)) return false;
  const Oid narrow = getBaseType(from.type);
  const Oid wide = getBaseType(to.type);
  return narrow == wide || (narrow == VARCHAROID && wide == TEXTOID) ||
         (integer_bytes(narrow) > 0 && integer_bytes(narrow) < integer_bytes(wide));
}

namespace {

/// Says what the value has been taken for, which the server's message leaves open.
void add_hint(void* converter) {
  const int code = geterrcode();
  if (code == ERRCODE_INVALID_TEXT_REPRESENTATION || code == ERRCODE_INVALID_DATETIME_FORMAT ||
      code == ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE)
    errhint("The value is taken as an id, and ids are of type %s here.",
            format_type_be(static_cast<const IdConverter*>(converter)->to));
}

/// Calls the conversion; none for an integer beyond the type.
std::optional<Datum> converted(IdConverter* converter, Datum value) {
  const bool to_integer = converter->bytes_to > 0;
  const IntegerRange range(to_integer ? converter->bytes_to : 8);
  switch (converter->method) {
    case IdConverter::kFunction: {
      if (to_integer && is_beyond(value, converter->from, range)) return std::nullopt;
      const Datum id = cast_value(&converter->function, converter->n_args, value);
      if (converter->may_lose) {
        const Datum back = cast_value(&converter->back, converter->n_args_back, id);
        if (!DatumGetBool(FunctionCall2Coll(&converter->equal, converter->collation, back, value)))
          throw_no_id(*converter, value);
      }
      return id;
    }
    case IdConverter::kText: {
      char* text = converter->from_cstring ? DatumGetCString(value)
                                           : OutputFunctionCall(&converter->function, value);
      if (to_integer && is_beyond(text, range)) return std::nullopt;
      return InputFunctionCall(&converter->input, text, converter->input_param, -1);
    }
    default:
      return value;
  }
}

}  // namespace

std::optional<Datum> find_id(IdConverter* converter, Datum value) {
  if (converter->method == IdConverter::kSame) return value;
  ErrorContextCallback hint{error_context_stack, add_hint, converter};
  error_context_stack = &hint;
  const std::optional<Datum> id = converted(converter, value);
  error_context_stack = hint.previous;
  return id;
}

Datum convert_id(IdConverter* converter, Datum value) {
  const std::optional<Datum> id = find_id(converter, value);
  if (!id)
    ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
                    errmsg("id %s is beyond the range of type %s", value_text(*converter, value),
                           format_type_be(converter->to)),
                    errhint("Such an id needs a wider type, or text.")));
  return *id;
}

}  // namespace als::pg
