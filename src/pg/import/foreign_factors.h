// What a call says of factors that were trained elsewhere.
#pragma once

#include "pg/model/run_row.h"
#include "pg/train/train_arguments.h"

namespace als::pg {

/// The arguments that als.import_model and als.attach_model share.
struct ForeignFactors {
  OptionChoices options;  ///< with which they were trained, as far as that is told
  std::optional<double> mean;
  std::optional<RatingSource> source;
  RatingSource columns;              ///< no source, but how the columns of ids are named
  std::optional<RatingSource> seen;  ///< beside the source, or instead of one

  /// What is read beside the factors.
  std::vector<RatingSource> sources() const;

  bool implicit() const { return options.feedback() == Feedback::kImplicit; }
};

/// Throws 22004 or 22023 for an argument that is null, out of range or for the other kind of
/// feedback.
ForeignFactors foreign_factors(const NamedArgs& args);

/// Throws 22023 for factors with biases of implicit feedback. `how`: where to leave them out.
void check_may_have_biases(const ForeignFactors& factors, const char* how);

/// The mean that biases are added to: as told, or else that of so many ratings of the source. 0 is
/// as good as any where there are no biases. Throws 22004 where nobody tells one that is needed.
double mean_of(const ForeignFactors& factors, bool biases, double weight, double sum);

/// The row of their run, with the source and the options; what belongs to a training is null.
/// Throws 22023 for a bias_regularization without biases.
RunRow foreign_run_row(const ForeignFactors& factors, int length, bool biases);

}  // namespace als::pg
