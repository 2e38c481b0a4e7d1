// Checks weights, and tells their two readings apart.
#include "pg/source/rating_weight.h"

namespace als::pg {

namespace {

[[noreturn]] void refuse(const DescribedSource& source, const Datum* ids, int sqlstate,
                         const std::string& what, const char* hint) {
  const char* user = server([&] { return id_text(*source.id_types.users, ids[0]); });
  const char* item = server([&] { return id_text(*source.id_types.items, ids[1]); });
  throw UserError(
      sqlstate, format("the weight of user %s for item %s is %s", user, item, what.c_str()), hint);
}

}  // namespace

bool weigh(const DescribedSource& source, const Datum* ids, const NullableDatum& read,
           float& rating, float& weight) {
  if (read.isnull)
    refuse(source, ids, ERRCODE_NULL_VALUE_NOT_ALLOWED, "null",
           "Say what such rows count, as coalesce(weight, 1) in a query as the source; 0 leaves a "
           "row out.");
  const double exact = DatumGetFloat8(read.value);
  const auto single = static_cast<float>(exact);
  if (!(single >= 0) || std::isinf(single))
    refuse(source, ids, ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
           std::isnan(exact)   ? "NaN"
           : std::isinf(exact) ? "infinite"
           : exact < 0         ? format("%g", exact)
                               : format("%g, beyond single precision", exact),
           source.has_confidences()
               ? "Weights must be finite, and 0 or above. What a user dislikes has a rating of 0 "
                 "or below, with a weight that says how sure that is."
               : "Weights must be finite, and 0 or above; 0 leaves a row out.");
  if (single == 0) return false;
  if (source.has_confidences())
    rating = rating > 0 ? single : -single;
  else
    weight = single;
  return true;
}

}  // namespace als::pg
