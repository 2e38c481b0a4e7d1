// Makes and checks them.
#include "pg/evaluate/flat_bytes.h"

#include "pg/sql/bytea_value.h"

namespace als::pg {

namespace {

[[noreturn]] void throw_not_ours() {
  throw UserError(ERRCODE_INVALID_BINARY_REPRESENTATION,
                  "these bytes are no result of an evaluation by als",
                  "They come from als._measured_user, of the same version and on a machine of the "
                  "same kind.");
}

}  // namespace

MeasuredUser measured_user(Datum bytes) {
  auto user = MeasuredUser::of_bytes(view_of_bytea(bytes));
  if (!user) throw_not_ours();
  return std::move(*user);
}

MeasuredUser measured_user_arg(FunctionCallInfo fcinfo, int index) {
  require_arg(fcinfo, index, "measured");
  return measured_user(PG_GETARG_DATUM(index));
}

UserResult result_of(const MeasuredUser& user) {
  UserResult result;
  result.errors = user.sums.errors;
  if (user.sums.ranking.users == 0) return result;
  result.ranking = user.sums.ranking;
  result.popular = user.sums.popular;
  return result;
}

FlatEvaluation open_evaluation(char* memory, std::size_t bytes) {
  const auto evaluation = FlatEvaluation::open(memory, bytes);
  if (!evaluation) throw_not_ours();
  return *evaluation;
}

EvaluationSums group_of(const FlatEvaluation& sums, std::size_t group) {
  auto found = sums.group(group);
  if (!found) throw_not_ours();
  return std::move(*found);
}

}  // namespace als::pg
