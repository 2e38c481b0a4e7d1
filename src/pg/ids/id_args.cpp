// Arguments and results of SQL functions to and from ids.

#include "pg/ids/id_args.h"

#include "pg/sql/integers.h"

namespace als::pg {

IdConverter converter_or_throw(Oid from, const IdType& to, const char* what,
                               MemoryContext context) {
  IdConverter converter;
  server([&] { init_id_converter(&converter, from, to.oid, context); });
  if (converter.method == IdConverter::kNone)
    throw UserError(ERRCODE_DATATYPE_MISMATCH,
                    format("%s ids of this model are %s, not %s", what, to.name,
                           server([&] { return format_type_be(from); })),
                    "Cast the id, or write it as a quoted literal.");
  return converter;
}

std::optional<Datum> id_arg(FunctionCallInfo fcinfo, int index, const IdType& type,
                            const char* what) {
  Oid from = server([&] { return argument_type(fcinfo, index); });
  IdConverter converter = converter_or_throw(from, type, what, CurrentMemoryContext);
  return converted_id(converter, PG_GETARG_DATUM(index));
}

namespace {

/// Whether a type's values are text, as varchar is that JDBC sends. A server call.
bool is_text(Oid type) {
  const Oid base = getBaseType(type);
  return base == TEXTOID || base == VARCHAROID || base == BPCHAROID;
}

/// The elements of an array argument. A server call.
ArrayElements id_elements(FunctionCallInfo fcinfo, int index, const char* name) {
  Oid argument = get_fn_expr_argtype(fcinfo->flinfo, index);
  Datum array = PG_GETARG_DATUM(index);
  if (argument == UNKNOWNOID || is_text(argument)) {
    // A bare literal such as '{1,2}', or text. Each element is then taken as one id given as text
    // is: a number beyond the type is an id that is not known, no error.
    char* literal = argument == UNKNOWNOID ? DatumGetCString(array) : TextDatumGetCString(array);
    const char first = literal[strspn(literal, " \t\r\n")];
    if (first != '{' && first != '[')
      ereport(
          ERROR,
          (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
           errmsg("%s is not an array of ids: '%s'", name, literal),
           errhint("Write array[...] or '{...}', or array(select ...) for the ids of a query.")));
    argument = TEXTARRAYOID;
    array = OidInputFunctionCall(F_ARRAY_IN, literal, TEXTOID, -1);
  }
  if (!is_array(argument))
    ereport(ERROR,
            (errcode(ERRCODE_DATATYPE_MISMATCH),
             errmsg("%s must be an array of ids, not of type %s", name, format_type_be(argument)),
             errhint("Write array[...], or array(select ...) for the ids of a query.")));
  return array_elements(array);
}

}  // namespace

ArrayElements id_elements_arg(FunctionCallInfo fcinfo, int index, const char* name) {
  return server([&] { return id_elements(fcinfo, index, name); });
}

std::vector<std::uint32_t> find_elements(const ArrayElements& elements, const IdIndex& ids,
                                         const char* what) {
  IdConverter converter = converter_or_throw(elements.type, ids.type(), what, CurrentMemoryContext);
  std::vector<std::uint32_t> indexes(static_cast<std::size_t>(elements.n), IdIndex::kMissing);
  server([&] {
    // What conversions leave behind is many times an id.
    MemoryContext conversions =
        AllocSetContextCreate(CurrentMemoryContext, "als conversions of ids", ALLOCSET_SMALL_SIZES);
    MemoryContext old = MemoryContextSwitchTo(conversions);
    constexpr int kIdsPerPoll = 1 << 12;
    for (int i = 0; i < elements.n; ++i) {
      if (i % kIdsPerPoll == 0) {
        CHECK_FOR_INTERRUPTS();
        MemoryContextReset(conversions);
      }
      if (!elements.nulls[i]) indexes[i] = find_converted(ids, converter, elements.values[i]);
    }
    MemoryContextSwitchTo(old);
    MemoryContextDelete(conversions);
  });
  return indexes;
}

std::vector<std::uint32_t> id_array_arg(FunctionCallInfo fcinfo, int index, const IdIndex& ids,
                                        const char* name, const char* what) {
  return find_elements(id_elements_arg(fcinfo, index, name), ids, what);
}

std::vector<Datum> id_values_arg(FunctionCallInfo fcinfo, int index, const IdType& type,
                                 const char* name, const char* what) {
  const ArrayElements elements = id_elements_arg(fcinfo, index, name);
  IdConverter converter = converter_or_throw(elements.type, type, what, CurrentMemoryContext);
  std::vector<Datum> ids;
  for (int i = 0; i < elements.n; ++i) {
    if (elements.nulls[i]) continue;
    if (const auto id = converted_id(converter, elements.values[i])) ids.push_back(*id);
  }
  return ids;
}

Param id_array(const IdType& type, const std::vector<Datum>& ids) {
  Oid array_type = id_array_type(type);
  ArrayType* array =
      construct_array(const_cast<Datum*>(ids.data()), static_cast<int>(ids.size()), type.base,
                      type.length(), type.by_value(), type.cache->typalign);
  return {array_type, PointerGetDatum(array)};
}

IdOutput::IdOutput(const IdType& from, Oid to) {
  // Anything can be written as text, but no text is sure to be read as anything else.
  bool possible = server([&] {
    init_id_converter(&converter_, from.oid, to, CurrentMemoryContext);
    return converter_.method != IdConverter::kNone &&
           (converter_.method != IdConverter::kText || TypeCategory(to) == TYPCATEGORY_STRING);
  });
  if (!possible)
    throw UserError(ERRCODE_DATATYPE_MISMATCH,
                    format("ids of type %s cannot be returned as %s", from.name,
                           server([&] { return format_type_be(to); })),
                    "Ids come back in the type of the one that is given: give it as text, as in "
                    "user_id::text, or call the functions that als.create_functions makes for "
                    "the model, which return the types of its ids.");
}

}  // namespace als::pg
