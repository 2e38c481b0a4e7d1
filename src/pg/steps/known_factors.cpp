// als._known: from rows of a factor table to bytes.
#include "pg/steps/known_factors.h"

#include "core/base/limits.h"
#include "pg/sql/real_array.h"
#include "pg/steps/bytea_bytes.h"

namespace als::pg {

namespace {

/// What is known of a row, before its vector.
struct KnownRow {
  std::uint32_t n;
  float bias;
};

struct KnownFactors {
  std::uint32_t factors = 0;
  Bytes rows;

  Bytes bytes() const {
    Bytes all(bytes_of(factors));
    return all += rows;
  }
};

void check_length(std::size_t found, std::size_t wanted) {
  if (found == wanted) return;
  throw UserError(
      ERRCODE_ARRAY_SUBSCRIPT_ERROR,
      format("a vector of the model has %zu factors instead of %zu", found, wanted),
      "Vectors of a model all have the length in its newest row: leave warm_start out.");
}

void add_known(KnownFactors& known, FunctionCallInfo fcinfo) {
  const VectorView view =
      server([&] { return view_vector(DatumGetArrayTypeP(PG_GETARG_DATUM(2)), "factors"); });
  const auto size = static_cast<std::size_t>(view.size);
  const KnownRow row{number_arg(fcinfo, 1, "n"), PG_ARGISNULL(3) ? 0 : PG_GETARG_FLOAT4(3)};
  if (!all_within(view.values, size, kMaxFactor) || !all_within(&row.bias, 1, kMaxBias))
    throw UserError(
        ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
        "a factor or a bias of the model is no number to begin with",
        "Factors must be between -1e17 and 1e17, biases between -1e37 and 1e37: correct "
        "the row, or leave warm_start out.");
  if (known.factors == 0) known.factors = static_cast<std::uint32_t>(size);
  check_length(size, known.factors);
  known.rows.append(bytes_of(row));
  known.rows.append(reinterpret_cast<const char*>(view.values), size * sizeof(float));
}

}  // namespace

void put_known(ByteView known, Factors& factors) {
  std::uint32_t columns = 0;
  if (known.size() < sizeof(columns)) throw InvalidBytes("these bytes are no known factors");
  std::memcpy(&columns, known.data(), sizeof(columns));
  known.remove_prefix(sizeof(columns));
  if (known.empty()) return;
  check_length(columns, factors.matrix.cols());
  const std::size_t size = sizeof(KnownRow) + columns * sizeof(float);
  if (known.size() % size != 0) throw InvalidBytes("these bytes are no known factors");
  for (; !known.empty(); known.remove_prefix(size)) {
    KnownRow row{};
    std::memcpy(&row, known.data(), sizeof(row));
    std::vector<float> vector(columns);
    std::memcpy(vector.data(), known.data() + sizeof(row), columns * sizeof(float));
    if (row.n >= factors.matrix.rows() || !all_within(vector.data(), columns, kMaxFactor) ||
        !all_within(&row.bias, 1, kMaxBias))
      throw InvalidBytes("known factors of a row that there is none of");
    std::copy(vector.begin(), vector.end(), factors.matrix.row(row.n));
    if (!factors.bias.empty()) factors.bias[row.n] = row.bias;
  }
}

}  // namespace als::pg

ALS_SQL_FUNCTION(als_add_known)
ALS_SQL_FUNCTION(als_known_bytes)

/// als._add_known(state internal, n int, factors real[], bias real): internal; rows without a
/// vector are passed over
Datum als_add_known(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  PG_RETURN_POINTER(guard_bytes([&] {
    KnownFactors* known = AggregateState<KnownFactors>::of_or_made(
        fcinfo, [](MemoryContext context) { return keep_in<KnownFactors>(context); });
    if (!PG_ARGISNULL(1) && !PG_ARGISNULL(2)) add_known(*known, fcinfo);
    return known;
  }));
}

/// als._known_bytes(state internal): bytea
Datum als_known_bytes(PG_FUNCTION_ARGS) {
  return als::pg::AggregateState<als::pg::KnownFactors>::result(fcinfo);
}
