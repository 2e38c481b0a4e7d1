// Starting a training from the factors that the model has.
#pragma once

#include "core/linalg/factor_matrix.h"
#include "pg/ids/id_dictionary.h"
#include "pg/model/model_writer.h"

namespace als::pg {

/// Puts the vectors of a side's factor table into the rows of the ids that this training knows:
/// rank[index] is the row of the id that `ids` keeps under index. Other rows stay as they are.
/// Reads under the active snapshot, as the caller, within an SPI connection. Throws 2202E or 22004
/// for a vector that does not fit the model.
void warm_start(const Model& model, Side side, const IdDictionary& ids,
                const std::vector<std::uint32_t>& rank, const TrainOptions& options,
                Factors& factors);

/// Throws 22023 unless the model's factors can be the start of such a training.
void check_warm_start(const Model& model, const TrainOptions& options);

/// In a notice: there are no factors to begin with.
void tell_of_cold_start(const ModelWriter& model);

}  // namespace als::pg
