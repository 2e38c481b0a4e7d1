// One side of a model held fixed, for which rows of the other side are solved.
#pragma once

#include "core/train/row_objective.h"
#include "pg/cache/served_model.h"

namespace als::pg {

/// What folding in, refreshing and explaining need of the side held fixed.
struct FixedSide {
  /// Throws 55000 where the model does not tell what it was trained with. The Gram matrix comes
  /// with the side's search, if the objective needs it.
  FixedSide(ServedModel& served, Side side);

  /// The same with a Gram matrix of its own, for where nobody will search this side.
  FixedSide(ServedModel& served, Side side, ThreadTeam& team);

  RowObjective objective;
  BiasedView vectors;
  const float* gram = nullptr;  ///< null for explicit feedback

 private:
  void leave_out_new(const LoadedFactors& side);

  std::optional<NormalEquations> own_gram_;
};

/// Throws 22003: these ratings give no finite vector; `of` says whose they are.
[[noreturn]] void throw_no_finite_vector(const Model& model, const std::string& of);

}  // namespace als::pg
