// Reads ids and vectors from a user's table or query.
#include "pg/import/imported_factors.h"

#include "pg/ids/id_args.h"
#include "pg/ids/key_size.h"
#include "pg/server/memory_limit.h"

namespace als::pg {

namespace {

/// The name of the argument that the factors come by.
const char* argument_name(Side side) {
  return side == Side::kUsers ? "user_factors" : "item_factors";
}

/// "item 42", for messages.
std::string quoted_id(Side side, const char* id) { return format("%s %s", side_name(side), id); }

}  // namespace

FactorQuery::FactorQuery(const std::string& text, Side side) : side_(side) {
  const std::string from = parse_source(text).from_clause();
  TupleDesc columns = result_columns(prepare("select * from " + from));
  const int n = columns->natts;
  if (n != 2 && n != 3)
    throw UserError(ERRCODE_DATATYPE_MISMATCH, format("%s has %d columns", argument_name(side), n),
                    "It must have an id and a vector, and may have a bias.");
  has_bias_ = n == 3;
  id_type_ = TupleDescAttr(columns, 0)->atttypid;
  id_collation_ = TupleDescAttr(columns, 0)->attcollation;
  const Oid type = TupleDescAttr(columns, 1)->atttypid;
  vector_type_ = type == FLOAT8ARRAYOID ? FLOAT8ARRAYOID : FLOAT4ARRAYOID;
  query_ = "select als_id, als_vector" +
           std::string(type == vector_type_ ? "" : "::pg_catalog.float4[]") +
           (has_bias_ ? ", als_bias::pg_catalog.float8" : "") + " from " + from +
           " (als_id, als_vector" + (has_bias_ ? ", als_bias)" : ")");
}

ImportedFactors::ImportedFactors(const FactorQuery& query, const IdType& type, bool biases,
                                 Progress& progress)
    : query_(query), type_(type), biases_(biases), ids_(&type) {
  IdConverter converter =
      converter_or_throw(query.id_type(), type, side_name(query.side()), CurrentMemoryContext);
  KeySizeCheck keys(ids_, side_name(query.side()));
  std::int64_t rows = 0;
  auto on_row = [&](TupleTableSlot* slot) {
    ++rows;
    if (slot->tts_isnull[0])
      throw UserError(ERRCODE_NULL_VALUE_NOT_ALLOWED,
                      format("%s has a null id", argument_name(query_.side())),
                      "Leave such rows out.");
    constexpr std::int64_t kRowsPerCheck = 4096;
    progress.row_read();
    if (rows % kRowsPerCheck == 0) {
      check_memory_limit(
          "an import", ids_.bytes() + ids_.size() * factors_.matrix.stride() * sizeof(float), ".",
          format("After %zu rows of %s.", ids_.size(), argument_name(query_.side())));
      keys.check();
    }
    add(slot, server([&] { return convert_id(&converter, slot->tts_values[0]); }));
  };
  if (query.has_bias())
    for_each_row(prepare(query.text()), {}, {query.id_type(), query.vector_type(), FLOAT8OID},
                 on_row);
  else
    for_each_row(prepare(query.text()), {}, {query.id_type(), query.vector_type()}, on_row);
  keys.check();
  if (rows == 0)
    throw UserError(ERRCODE_NO_DATA_FOUND, format("%s has no rows", argument_name(query.side())),
                    "A model has at least one user and one item.");
}

void ImportedFactors::refuse(int sqlstate, const std::string& problem, const char* hint) const {
  throw UserError(sqlstate, format("%s: %s", argument_name(query_.side()), problem.c_str()), hint);
}

void ImportedFactors::add(TupleTableSlot* slot, Datum id) {
  const char* name = server([&] { return id_text(type_, id); });
  const std::string whose = quoted_id(query_.side(), name);
  if (slot->tts_isnull[1])
    refuse(ERRCODE_NULL_VALUE_NOT_ALLOWED, "the vector of " + whose + " is null",
           "Leave such rows out.");
  read_vector(slot->tts_values[1], name);
  if (server([&] { return ids_.find_or_add(id); }) != factors_.matrix.rows())
    refuse(ERRCODE_UNIQUE_VIOLATION, whose + " stands there twice", "Each id has one vector.");
  factors_.matrix.append_row(vector_.data());
  if (!biases_) return;
  double bias = 0;
  if (query_.has_bias()) {
    if (slot->tts_isnull[2])
      refuse(ERRCODE_NULL_VALUE_NOT_ALLOWED, "the bias of " + whose + " is null",
             "Use coalesce(bias, 0) for rows without one.");
    bias = DatumGetFloat8(slot->tts_values[2]);
    const auto single = static_cast<float>(bias);
    if (!all_within(&single, 1, kMaxBias))
      refuse(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE, "the bias of " + whose + format(" is %g", bias),
             "Biases must be between -1e37 and 1e37, so that scores are finite.");
  }
  factors_.bias.push_back(static_cast<float>(bias));
}

void ImportedFactors::read_vector(Datum array, const char* id) {
  const std::string whose = "the vector of " + quoted_id(query_.side(), id);
  ArrayType* vector = server([&] { return DatumGetArrayTypeP(array); });
  const int n = server([&] { return ArrayGetNItems(ARR_NDIM(vector), ARR_DIMS(vector)); });
  if (ARR_NDIM(vector) > 1)
    refuse(ERRCODE_ARRAY_SUBSCRIPT_ERROR, whose + format(" has %d dimensions", ARR_NDIM(vector)),
           "A vector is an array of one dimension.");
  if (server([&] { return array_contains_nulls(vector); }))
    refuse(ERRCODE_NULL_VALUE_NOT_ALLOWED, whose + " has a null element",
           "Use array_replace(v, null, 0) to read nulls as zero.");
  if (factors_.matrix.rows() == 0) {
    if (n < 1 || n > kMaxFactors)
      refuse(ERRCODE_INVALID_PARAMETER_VALUE, whose + format(" has %d elements", n),
             "A model has between 1 and 1024 factors.");
    factors_.matrix = FactorMatrix(0, static_cast<std::size_t>(n));
    vector_.resize(static_cast<std::size_t>(n));
  } else if (n != length()) {
    refuse(ERRCODE_ARRAY_SUBSCRIPT_ERROR,
           whose + format(" has %d elements, those before it have %d", n, length()),
           "All vectors of a model have one length.");
  }
  const void* data = ARR_DATA_PTR(vector);
  for (int k = 0; k < n; ++k) {
    const double value = query_.vector_type() == FLOAT8ARRAYOID
                             ? static_cast<const float8*>(data)[k]
                             : static_cast<const float4*>(data)[k];
    vector_[static_cast<std::size_t>(k)] = static_cast<float>(value);
    if (!all_within(&vector_[static_cast<std::size_t>(k)], 1, kMaxFactor))
      refuse(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
             whose + format(" has %g as element %d", value, k + 1),
             "Factors must be between -1e17 and 1e17, so that scores are finite.");
  }
}

}  // namespace als::pg
