// Checks what a call says of factors that were trained elsewhere.
#include "pg/import/foreign_factors.h"

#include "core/base/limits.h"
#include "pg/options/option_defaults.h"

namespace als::pg {

std::vector<RatingSource> ForeignFactors::sources() const {
  std::vector<RatingSource> sources;
  for (const auto& named : {source, seen})
    if (named) sources.push_back(*named);
  return sources;
}

ForeignFactors foreign_factors(const NamedArgs& args) {
  ForeignFactors factors{};
  factors.options = option_args(args);
  if (factors.options[OptionId::kRegularization] && !factors.options[OptionId::kRegExponent])
    throw UserError(ERRCODE_INVALID_PARAMETER_VALUE, "regularization needs its reg_exponent",
                    "It is 1 for factors of Spark, 0 for those of implicit.");
  factors.options.check_feedback();
  constexpr double kMaxMean = 1e37;  // kMaxBias in double precision
  if (!args.is_null("mean"))
    factors.mean = float_arg(args.fcinfo(), args["mean"], "mean", -kMaxMean, kMaxMean);
  if (factors.mean && factors.implicit())
    throw UserError(ERRCODE_INVALID_PARAMETER_VALUE, "mean is for explicit feedback",
                    "Leave mean out, or use feedback => 'explicit'.");
  if (const auto source = args.optional_text("source"))
    factors.source =
        source_from(args, *source, factors.options.on_duplicate(), factors.options.feedback());
  for (const char* column : {"time_col", "weight_col"})
    if (!factors.source && args.has(column) && !args.is_null(column))
      throw UserError(ERRCODE_INVALID_PARAMETER_VALUE, format("%s is a column of a source", column),
                      format("Name the ratings with source => '...', or leave %s out.", column));
  factors.columns.user_col = name_arg(args.fcinfo(), args["user_col"], "user_col");
  factors.columns.item_col = name_arg(args.fcinfo(), args["item_col"], "item_col");
  factors.seen = seen_from(args, factors.columns);
  return factors;
}

void check_may_have_biases(const ForeignFactors& factors, const char* how) {
  if (!factors.implicit()) return;
  throw UserError(ERRCODE_INVALID_PARAMETER_VALUE, "biases are for explicit feedback",
                  format("%s, or use feedback => 'explicit'.", how));
}

double mean_of(const ForeignFactors& factors, bool biases, double weight, double sum) {
  if (factors.mean) return *factors.mean;
  if (factors.implicit()) return 0;
  if (weight > 0) {
    const double mean = sum / weight;
    if (std::fabs(static_cast<float>(mean)) <= kMaxBias) return mean;
  }
  if (biases)
    throw UserError(ERRCODE_NULL_VALUE_NOT_ALLOWED,
                    "factors with biases need the mean rating that they are added to",
                    "Use mean => ..., or source => '...' for the mean of its ratings.");
  return 0;
}

RunRow foreign_run_row(const ForeignFactors& factors, int length, bool biases) {
  // Of what the factors decide, what a training would have to be told to go on from them.
  OptionChoices chosen = factors.options;
  chosen.set(OptionId::kFactors, std::int64_t{length});
  if (!factors.implicit() && !biases) chosen.set(OptionId::kBiases, std::int64_t{0});
  OptionChoices options = chosen;
  if (options[OptionId::kBiasRegularization] && !biases)
    throw UserError(ERRCODE_INVALID_PARAMETER_VALUE,
                    "bias_regularization is for factors with biases",
                    "Leave bias_regularization out, or give the biases as a third column.");
  options.set(OptionId::kBiases, std::int64_t{biases ? 1 : 0});
  options.set(OptionId::kOnDuplicate, static_cast<std::int64_t>(options.on_duplicate()));
  RunRow row;
  row.add_source(factors.source.value_or(factors.columns));
  row.add_seen(factors.seen);
  row.add_options(options, without_defaults(chosen));
  return row;
}

}  // namespace als::pg
