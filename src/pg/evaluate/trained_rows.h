// Whether a test holds what the training may have seen.
#pragma once

#include "pg/evaluate/evaluation.h"

namespace als::pg {

/// Whether there is something to tell: an evaluation by errors alone against the model's source.
/// (Rankings leave out what users have seen there, and tell of it.)
bool looks_for_trained_rows(const EvaluationRequest& request, const Model& model);

/// The user of a test who has the most rows there, of several the one with the least id, and the
/// items of these rows: by the model's numbers, or any others for those that it does not know.
struct TestedMost {
  Datum user;
  std::vector<std::uint32_t> items;
};
/// Of a test by user, with one user at least.
TestedMost tested_most(const IdDictionary& users, const CompressedRows& test);

/// A notice if rows of that user are in the model's source, too: errors of such rows come out too
/// small. Throws what reading the source throws, but nothing for ratings that a training would
/// refuse, which are not read. Within an SPI connection.
void tell_of_trained_rows(ServedModel& served, const TestedMost& tested);

}  // namespace als::pg
