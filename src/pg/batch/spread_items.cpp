// The queries by which nodes count and sum up what their users say of items.
#include "pg/batch/spread_items.h"

#include "core/fold_in/flat_equations.h"
#include "pg/ids/id_args.h"
#include "pg/server/settings.h"
#include "pg/source/duplicate_error.h"
#include "pg/sql/bytea_value.h"
#include "pg/sql/params.h"
#include "pg/sql/real_array.h"

namespace als::pg {

namespace {

// Bytes of equations that are asked for at a time. Citus keeps them until it has all, on disk if
// need be.
constexpr std::size_t kBatchBytes = std::size_t{1} << 28;

constexpr const char* kHintOnSize = "Train with fewer factors.";

// A checksum is a sum modulo 2^64; less 2^63 it is a bigint.
constexpr std::uint64_t kLeastBigint = std::uint64_t{1} << 63;

FlatEquations::Shape shape_of(const Model& model) {
  using Kind = FlatEquations::Kind;
  const Kind kind = model.feedback == Feedback::kImplicit ? Kind::kImplicit
                    : model.biases                        ? Kind::kBiased
                                                          : Kind::kExplicit;
  return {kind, static_cast<std::uint32_t>(model.factors), model.alpha};
}

/// A number as SQL has it.
std::string literal(double number) { return format("'%.17g'::pg_catalog.float8", number); }

/// Of ratings: the checksum as a bigint, see kLeastBigint.
std::string checksum_of(const char* rating) {
  const std::string modulus = "18446744073709551616";
  return "(pg_catalog.mod(pg_catalog.mod(pg_catalog.sum(als._rating_checksum(rated_by, " +
         std::string(rating) + ")), " + modulus + ") operator(pg_catalog.+) " + modulus + ", " +
         modulus + ") operator(pg_catalog.-) 9223372036854775808)::pg_catalog.int8";
}

std::uint64_t checksum_in(Datum value) {
  return static_cast<std::uint64_t>(DatumGetInt64(value)) + kLeastBigint;
}

std::int64_t count_shards(Oid table) {
  return count_rows("from pg_catalog.pg_dist_shard where logicalrelid operator(pg_catalog.=) $1",
                    {class_param(table)});
}

}  // namespace

/// Ratings as an item of a FROM clause: rated_by, rated_item, given. merged: those of one user and
/// item as a training takes them, beside how many more there were.
std::string SpreadItems::rated(bool merged, const std::string& condition) const {
  const std::string rows = " from " + ratings_.rows() +
                           " where rated is not null and rated_by is not null and rated_item is "
                           "not null" +
                           condition;
  if (!merged) return "(select rated_by, rated_item, rated as given" + rows + ") rated";
  const std::string value =
      ratings_.model().on_duplicate == OnDuplicate::kAverage
          ? "pg_catalog.sum(one order by one) operator(pg_catalog./) pg_catalog.count(*)"
          : "pg_catalog.sum(one order by one)";
  return "(select rated_by, rated_item, als._checked_rating(rated_by, rated_item, " + value +
         ") as given, pg_catalog.count(*) operator(pg_catalog.-) 1 as more from (select rated_by, "
         "rated_item, als._checked_rating(rated_by, rated_item, rated) as one" +
         rows + ") single group by rated_by, rated_item) rated";
}

/// The same of users whom the model knows, with these columns of theirs.
std::string SpreadItems::of_known_users(const std::string& rated, const char* columns) const {
  return rated + " join (select user_id as known_user" + columns + " from " +
         ratings_.table(Side::kUsers) + ") known on " +
         ratings_.same(Side::kUsers, "known_user", "rated_by");
}

void SpreadItems::for_each_count(const TakeCount& take) const {
  SourceNames names(ratings_.source());
  const std::string query =
      "select rated_item, pg_catalog.count(*), " + checksum_of("given") + " from " +
      of_known_users(rated(ratings_.model().has_duplicates, ""), "") + " group by rated_item";
  for_each_row(prepare(query), {}, {ratings_.id_type(Side::kItems).oid, INT8OID, INT8OID},
               [&](TupleTableSlot* slot) {
                 take(slot->tts_values[0], DatumGetInt64(slot->tts_values[1]),
                      checksum_in(slot->tts_values[2]));
               });
  names.end();
}

std::size_t SpreadItems::bytes_for_item() const {
  const std::int64_t shards = count_shards(ratings_.model().factor_tables.users.named);
  return FlatEquations::bytes(shape_of(ratings_.model())) *
         static_cast<std::size_t>(std::max<std::int64_t>(shards, 1));
}

bool SpreadItems::is_better_for(std::size_t items) const {
  const Model& model = ratings_.model();
  if (model.nonnegative) return false;
  const std::size_t user_bytes = static_cast<std::size_t>(model.n_users) *
                                 static_cast<std::size_t>(model.factors) * sizeof(float);
  return items * bytes_for_item() < user_bytes || user_bytes > max_memory();
}

/// The item's vector, and its bias behind it.
std::string SpreadItems::solution(bool has_gram) const {
  const Model& model = ratings_.model();
  const TrainOptions options = model.options();
  const std::string ridge =
      ", " + literal(options.regularization) + ", " + literal(options.reg_exponent);
  if (has_gram)
    return "als.solve(als.implicit_equations(factors, given, " + literal(options.alpha) + ")" +
           ridge + ", gram => $2)";
  if (!model.biases) return "als.solve(als.equations(factors, given)" + ridge + ")";
  return "als.solve(als.equations(factors, given operator(pg_catalog.-) " + literal(model.mean) +
         ", bias)" + ridge + ", " + literal(options.bias_regularization) + ")";
}

/// Of the users, for implicit feedback; else empty.
std::string SpreadItems::gram() const {
  std::string bytes;
  if (ratings_.model().feedback != Feedback::kImplicit) return bytes;
  for_each_row(prepare("select als.gram(factors) from " + ratings_.table(Side::kUsers)), {},
               {BYTEAOID}, [&](TupleTableSlot* slot) {
                 if (!slot->tts_isnull[0]) bytes = view_of_bytea(slot->tts_values[0]);
               });
  return bytes;
}

void SpreadItems::solve(const std::string& query, const Param& ids, const Param& gram,
                        SolvedItems& solved) const {
  const bool is_biased = ratings_.model().biases;
  for_each_row(prepare(query, {ids.type, BYTEAOID}), {ids, gram},
               {ratings_.id_type(Side::kItems).oid, FLOAT4ARRAYOID, INT8OID, INT8OID, FLOAT8OID,
                INT8OID, INT8OID},
               [&](TupleTableSlot* slot) {
                 const Datum* row = slot->tts_values;
                 solved.ids.find_or_add(row[0]);
                 const VectorView vector = server(
                     [&] { return view_vector(DatumGetArrayTypeP(row[1]), "the solution"); });
                 solved.factors.matrix.append_row(vector.values);
                 if (is_biased) solved.factors.bias.push_back(vector.values[vector.size - 1]);
                 RatingTotals totals;
                 totals.n = static_cast<std::uint64_t>(DatumGetInt64(row[2]));
                 totals.positive = static_cast<std::uint64_t>(DatumGetInt64(row[3]));
                 totals.weight = static_cast<double>(totals.n);
                 totals.sum = DatumGetFloat8(row[4]);
                 solved.totals.push_back(totals);
                 solved.ratings.offsets.push_back(solved.ratings.offsets.back() + totals.n);
                 solved.duplicates += static_cast<std::size_t>(DatumGetInt64(row[5]));
                 solved.checksums.push_back(checksum_in(row[6]));
               });
}

SolvedItems SpreadItems::solve(const std::vector<Datum>& ids, Progress& progress) const {
  const Model& model = ratings_.model();
  const IdType& item = ratings_.id_type(Side::kItems);
  SolvedItems solved(&item);
  solved.factors.matrix = FactorMatrix(0, static_cast<std::size_t>(model.factors));
  solved.ratings.offsets = {0};
  progress.enter(Phase::kSolving);
  const std::string gram_bytes = gram();
  Param gram{BYTEAOID, 0, gram_bytes.empty()};
  if (!gram.is_null) gram.value = PointerGetDatum(bytea_of({gram_bytes}, kHintOnSize));

  const std::string some = " and " + ratings_.same(Side::kItems, "rated_item", "any ($1)");
  const std::string query =
      "select rated_item, " + solution(!gram.is_null) +
      ", pg_catalog.count(*), pg_catalog.count(*) filter (where given operator(pg_catalog.>) 0), "
      "pg_catalog.sum(given), pg_catalog.sum(more)::pg_catalog.int8, " +
      checksum_of("given") + " from " + of_known_users(rated(true, some), ", factors, bias") +
      " group by rated_item";
  const std::size_t batch = std::max<std::size_t>(kBatchBytes / bytes_for_item(), 1);
  SourceNames names(ratings_.source());
  for (std::size_t begin = 0; begin < ids.size(); begin += batch) {
    const std::size_t end = std::min(begin + batch, ids.size());
    const std::vector<Datum> next(ids.begin() + static_cast<std::ptrdiff_t>(begin),
                                  ids.begin() + static_cast<std::ptrdiff_t>(end));
    const Param some_ids = server([&] { return id_array(item, next); });
    const std::size_t before = solved.duplicates;
    solve(query, some_ids, gram, solved);
    if (model.on_duplicate == OnDuplicate::kError && solved.duplicates > before)
      check_duplicates(some_ids);
  }
  names.end();
  return solved;
}

/// Names the first one, within a SourceNames.
void SpreadItems::check_duplicates(const Param& ids) const {
  const IdType& user = ratings_.id_type(Side::kUsers);
  const IdType& item = ratings_.id_type(Side::kItems);
  const std::string some = " and " + ratings_.same(Side::kItems, "rated_item", "any ($1)");
  for_each_row(prepare("select rated_by, rated_item from " + rated(true, some) +
                           " where more operator(pg_catalog.>) 0 order by rated_by, rated_item "
                           "limit 1",
                       {ids.type}),
               {ids}, {user.oid, item.oid}, [&](TupleTableSlot* slot) {
                 throw_duplicate_rating(user, slot->tts_values[0], item, slot->tts_values[1], "",
                                        format("Model %s was trained with on_duplicate => 'error'.",
                                               ratings_.model().name.c_str()));
               });
}

}  // namespace als::pg
