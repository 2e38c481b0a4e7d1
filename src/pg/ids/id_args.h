// Ids as SQL functions take and return them: of the model's type, of one that casts to it, or text.
#pragma once

#include "pg/ids/id_index.h"
#include "pg/server/guard.h"
#include "pg/sql/array_elements.h"
#include "pg/sql/params.h"

namespace als::pg {

/// A converter between a type that a call uses and the type of a model's ids. Throws 42804 if there
/// is no cast. `what` names the id in the message: "user" or "item".
IdConverter converter_or_throw(Oid from, const IdType& to, const char* what, MemoryContext context);

/// A value as an id, by such a converter, none where find_id() has none. Calls the server only
/// where there is something to convert.
inline std::optional<Datum> converted_id(IdConverter& converter, Datum value) {
  if (converter.method == IdConverter::kSame) return value;
  return server([&] { return find_id(&converter, value); });
}

/// The index in `ids` of a value that such a converter takes, IdIndex::kMissing where it is no id
/// of theirs. A server call.
inline std::uint32_t find_converted(const IdIndex& ids, IdConverter& converter, Datum value) {
  if (converter.method == IdConverter::kSame) return ids.find(value);
  const std::optional<Datum> id = find_id(&converter, value);
  return id ? ids.find(*id) : IdIndex::kMissing;
}

/// An id argument as a value of the model's id type; none for a number beyond it, which cannot be
/// an id of the model's.
std::optional<Datum> id_arg(FunctionCallInfo fcinfo, int index, const IdType& type,
                            const char* what);

/// The elements of an array of ids. An array may come as text too, and has elements of text then.
/// Throws 42804 for an argument that is no array.
///
/// Optional arguments are declared "any": an anyarray left at its default would take the
/// polymorphic result type down with it ("cannot determine element type of anyarray").
ArrayElements id_elements_arg(FunctionCallInfo fcinfo, int index, const char* name);

/// The indexes in `ids` of the elements: one for each, IdIndex::kMissing for a null or an unknown
/// id. Throws 42804 for elements that do not cast. `what` names the ids in the message: "user" or
/// "item".
std::vector<std::uint32_t> find_elements(const ArrayElements& elements, const IdIndex& ids,
                                         const char* what);

/// The same of an argument.
std::vector<std::uint32_t> id_array_arg(FunctionCallInfo fcinfo, int index, const IdIndex& ids,
                                        const char* name, const char* what = "item");

/// The elements of such an array as ids of the type, without the nulls and numbers beyond it.
std::vector<Datum> id_values_arg(FunctionCallInfo fcinfo, int index, const IdType& type,
                                 const char* name, const char* what);

/// The ids, of a side's type, as an array of that type's base. A server call.
Param id_array(const IdType& type, const std::vector<Datum>& ids);

/// Converts ids of a model to the type in which a function returns them. Throws 42804 if there is
/// no cast, with the advice to use text.
class IdOutput {
 public:
  IdOutput(const IdType& from, Oid to);
  /// A server call.
  Datum operator()(Datum id) { return convert_id(&converter_, id); }

 private:
  IdConverter converter_;
};

}  // namespace als::pg
