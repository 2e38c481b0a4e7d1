// The source that a model's row names, for a caller who has named the model only.
#pragma once

#include "pg/model/model.h"
#include "pg/server/relation_lock.h"

namespace als::pg {

/// Why reading the model's source could run code of a role that the caller does not trust; empty if
/// it cannot. Nothing is evaluated here. All that a call may read is locked first, and stays so.
///
/// What a role that the caller trusts has named is trusted. What another has named is read only if
/// it is a table or view of a role that the caller trusts, or a table that carries nothing that
/// reading it evaluates.
///
/// A relation that has the name now but is not the one that the row was written for is nobody's
/// choice: it is read only if it belongs to a role that the caller trusts, or carries nothing that
/// reading it evaluates.
std::string distrust_of_source(const Model& model);

/// The model's source as it is now. Throws 42501 where there is a reason to distrust it, 42703 or
/// 42804 where its columns are no longer those that the model was trained on.
RatingSource trusted_source(const Model& model);

/// The same of what its row names as seen beside the source.
RatingSource trusted_seen(const Model& model);

/// The two for a training, which describes the columns itself: it may have been told of others than
/// those of the row, or of ids of another type.
RatingSource trusted_source_to_train(const Model& model);
RatingSource trusted_seen_to_train(const Model& model);

/// And of what it names as user_features or item_features.
RatingSource trusted_features(const Model& model, Side side);

/// relations_read() of what the newest row has in these of its columns: source, seen,
/// user_features, item_features. Of what could be a stranger's to shape, queries and views, none is
/// parsed. None where it takes more to read the row than copy_newest_row() does. For
/// ModelWriter::lock_model().
std::vector<RelationLock> relations_recorded(Oid model, const std::vector<std::string>& sources);

/// Both, whether trusted or not.
RatingSource source_now(const Model& model);
RatingSource seen_now(const Model& model);

}  // namespace als::pg
