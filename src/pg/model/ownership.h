// Which tables are provably a model's.
//
// A row of a model table may name any table. als changes or drops one only if it belongs to the
// model's owner and als has recorded that it is this model's, or has put its trigger on it. The
// record is a dependency of the factor table on the model table. A dump does not keep it, so the
// first call that may makes it anew.
#pragma once

#include "pg/model/model.h"
#include "pg/server/trust.h"

namespace als::pg {

/// The model table that a table is recorded to be factors of, or InvalidOid. A server call.
Oid recorded_model(Oid table);

/// Records that a table holds factors of a model: dropping the model table takes it along, or of a
/// table that is attached the trigger. In a cluster that takes DROP TABLE ... CASCADE. A
/// server call.
void record_model(Oid table, Oid model);

/// Gives a table that has just been made to the model's owner, if another role has made it.
void give_to_owner(Oid model, Oid table);

/// The table of this shape that is recorded to be factors of a model, if there is exactly one;
/// InvalidOid else. A server call.
Oid recorded_factors(Oid model, Side side);

/// A function of als's own that triggers call, or InvalidOid. A server call.
Oid trigger_function(const char* name);

/// The trigger of a table of factors that serve.
inline constexpr const char* kVersionTrigger = "als_version";

/// The trigger of a table in which a run is kept. It does nothing: like the other it tells after a
/// dump, too, what the table is.
inline constexpr const char* kKeptTrigger = "als_kept";

/// The trigger of a table that als.attach_model has found, not made. It does what that of a table
/// of als's own does, but here it is the trigger alone that is recorded to be the model's, and
/// goes with it: the table stays.
inline constexpr const char* kAttachedTrigger = "als_attached";

/// The trigger of a table of features' weights, which does nothing either.
inline constexpr const char* kFeaturesTrigger = "als_features";

/// Whether a table is provably that of a model's features' weights. A server call.
bool is_features_of(Oid model, Oid table, Side side);

/// Whether a table is attached to a model. A server call.
bool is_attached(Oid table);

/// Whether our trigger is on a table that serves. A server call.
bool is_watched(Oid table);

/// The first column of a factor table that a table lacks; null if it has all. A server call.
const char* missing_column(Oid table, Side side);

/// A server call.
inline bool has_columns_of(Oid table, Side side) { return missing_column(table, side) == nullptr; }

/// Whether a table that a model's row names is the copy of a run that is kept. A server call.
bool is_kept_copy(Oid model, Oid table, Side side);

/// Whether what proves a table to be the model's holds, and still does once nobody can change that
/// any more, or give the table's name to another. A server call.
template <class Proof>
bool holds_under_lock(Oid table, const Proof& proof) {
  if (!proof()) return false;
  LockRelationOid(table, AccessShareLock);
  return proof();
}

/// The name of our trigger on a table where some sessions do not fire it, for the replication that
/// they serve; null where all do, or where somebody has disabled it or dropped it. A server call.
const char* trigger_for_some_sessions(Oid table);

/// Whether a view or rule uses a column, which so cannot change its type. A server call.
bool column_is_used_by_rule(Oid table, AttrNumber column);

/// Why a table that a model's row names for a side cannot be proved to be the model's, as the
/// detail of an error; empty if it can.
std::string doubt_about(Oid model, Oid table, Side side);

/// Throws 55000 if a table that a model's row names cannot be proved to be the model's.
void check_is_provably_of(Oid model, Oid table, Side side);

inline bool is_provably_of(Oid model, Oid table, Side side) {
  return doubt_about(model, table, side).empty();
}

/// Whose changes: of all sessions, or of those that do not replicate.
enum class Sessions { kAll, kOrdinary };

/// Whether nobody can change a side's rows without its version changing too. Costs a few look-ups
/// in the catalogs.
bool changes_are_seen(const Model& model, Side side, Sessions sessions = Sessions::kAll);

}  // namespace als::pg
