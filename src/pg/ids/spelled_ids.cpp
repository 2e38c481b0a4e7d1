// How statements and messages spell ids: their types, collations and equality.
#include "pg/ids/id_type.h"

namespace als::pg {

namespace {

/// As a statement names it, whatever the search_path holds.
char* spelled_collation(Oid collation) {
  HeapTuple tuple = SearchSysCache1(COLLOID, ObjectIdGetDatum(collation));
  if (!HeapTupleIsValid(tuple)) elog(ERROR, "cache lookup failed for collation %u", collation);
  auto* form = reinterpret_cast<Form_pg_collation>(GETSTRUCT(tuple));
  char* name =
      quote_qualified_identifier(get_namespace_name(form->collnamespace), NameStr(form->collname));
  ReleaseSysCache(tuple);
  return name;
}

}  // namespace

char* equals_condition(const IdType& type, const char* column, const char* value) {
  const Oid equals = lookup_type_cache(type.oid, TYPECACHE_EQ_OPR)->eq_opr;
  HeapTuple tuple = SearchSysCache1(OPEROID, ObjectIdGetDatum(equals));
  if (!HeapTupleIsValid(tuple)) elog(ERROR, "cache lookup failed for operator %u", equals);
  auto* form = reinterpret_cast<Form_pg_operator>(GETSTRUCT(tuple));
  const char* schema = quote_identifier(get_namespace_name(form->oprnamespace));
  const char* cast = type.base == type.oid ? "" : psprintf("::%s", spelled_type(type.base));
  // Another column may have another collation.
  const char* collate = OidIsValid(type.collation) && !get_collation_isdeterministic(type.collation)
                            ? psprintf(" collate %s", spelled_collation(type.collation))
                            : "";
  char* condition = psprintf("%s%s%s operator(%s.%s) %s", quote_identifier(column), cast, collate,
                             schema, NameStr(form->oprname), value);
  ReleaseSysCache(tuple);
  return condition;
}

char* spelled_type(Oid type, int32 modifier) {
  return format_type_extended(type, modifier,
                              FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY);
}

namespace {

char* collated(Oid type, Oid collation) {
  char* text = spelled_type(type);
  if (!OidIsValid(collation) || collation == get_typcollation(type)) return text;
  return psprintf("%s collate %s", text, spelled_collation(collation));
}

}  // namespace

char* column_type(const CollatedType& type) { return collated(type.type, type.collation); }

char* array_column_type(const IdType& type) {
  return collated(id_array_type(type), type.collation);
}

char* type_name(const CollatedType& type) {
  char* name = format_type_be(type.type);
  if (!OidIsValid(type.collation) || type.collation == get_typcollation(type.type)) return name;
  return psprintf("%s collate %s", name, generate_collation_name(type.collation));
}

}  // namespace als::pg
