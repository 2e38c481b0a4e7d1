// Features of one user or item, given as JSON instead of a row of their source.
#pragma once

#include "core/linalg/factor_matrix.h"
#include "pg/model/model.h"

namespace als::pg {

/// Where these features, a jsonb, expect a row of this side: one row, C^T f of FeaturePrior, with
/// its bias where the model has biases; has_ratings: whether it has any. As the caller, within an
/// SPI connection. if_others: a hint for who may have meant features of the other side. Throws
/// 22023, 22003, 42703 and 42804 for features that the model does not have, 55000 for a model
/// without any, and what read_features() and trusted_features() throw.
Factors expected_by(Datum features, const Model& model, Side side, bool has_ratings,
                    const std::string& if_others);

}  // namespace als::pg
