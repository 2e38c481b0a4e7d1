#include "pg/rating_reader.h"

namespace als::pg {

double RatingReader::rating(Datum value) const {
  switch (source_.rating_kind) {
    case RatingKind::kNone:
      return 1;
    case RatingKind::kBool:
      return DatumGetBool(value) ? 1 : 0;
    case RatingKind::kInt2:
      return DatumGetInt16(value);
    case RatingKind::kInt4:
      return DatumGetInt32(value);
    case RatingKind::kInt8:
      return static_cast<double>(DatumGetInt64(value));
    case RatingKind::kFloat4:
      return DatumGetFloat4(value);
    case RatingKind::kFloat8:
      return DatumGetFloat8(value);
  }
  return 0;
}

void RatingReader::add(TupleTableSlot* slot) {
  const Datum* values = slot->tts_values;
  const bool* nulls = slot->tts_isnull;
  ++rows_;
  if (nulls[0] || nulls[1] || nulls[2]) {
    ++skipped_;
    return;
  }
  double value = rating(values[2]);
  auto single = static_cast<float>(value);
  if (!std::isfinite(single)) {
    const char* user = id_text(*source_.user_type, values[0]);
    const char* item = id_text(*source_.item_type, values[1]);
    throw UserError(
        ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
        format("the rating of user %s for item %s is %s", user, item,
               std::isnan(value)   ? "NaN"
               : std::isinf(value) ? "infinite"
                                   : format("%g, beyond single precision", value).c_str()),
        "Ratings must be finite numbers: correct the row, or leave it out by training "
        "on a query.");
  }
  buffer_.append(users_.find_or_add(values[0]), items_.find_or_add(values[1]), single);
}

void RatingReader::read(const std::function<void()>& on_block) {
  std::string rating = source_.rating_col ? quoted(*source_.rating_col) : "1";
  if (source_.cast_rating) rating += "::pg_catalog.float8";
  SPIPlanPtr plan = prepare("select " + quoted(source_.user_col) + ", " + quoted(source_.item_col) +
                            ", " + rating + " from " + source_.from_clause());
  on_block();
  for_each_row(plan, {}, {source_.user_type->oid, source_.item_type->oid, source_.rating_type},
               [&](TupleTableSlot* slot) {
                 add(slot);
                 if (rows_ % static_cast<std::int64_t>(RatingBuffer::kBlockEntries / 16) == 0)
                   on_block();
               });
}

}  // namespace als::pg
