// How long what has been read of a factor table may be kept, and for whom.
//
// A version names rows: whoever changes them gives the side a new one. But a snapshot may see the
// version without the rows, or this transaction may have changed them after the version it sees.
#pragma once

#include "pg/model/model.h"

namespace als::pg {

/// What has been read holds for
enum class Lifetime {
  kSnapshot,     ///< this snapshot: the version does not tell which rows it sees
  kTransaction,  ///< this version, but the transaction has changed rows itself: nobody else sees it
  kVersion,      ///< this version, whoever sees it
};

/// For whom rows of a side that are read now hold, as far as this transaction's own changes decide
/// it. Costs next to nothing in one that has written nothing.
Lifetime lifetime_of_rows(const Model& model, Side side);

/// Whether this transaction may have changed a side's rows.
bool writes_factors(const Model& model, Side side);

/// Whether it is proved that so many rows, which the active snapshot has seen in a factor table,
/// are those that the version names: the table and its triggers are as the snapshot sees them, and
/// no change escapes them. To be asked when the rows have been read, and the table is still locked.
bool are_whole(const Model& model, Side side, std::size_t rows);

/// Throws if a factor table holds nothing to see although als has left rows there: 40001 where it
/// has been rewritten after the active snapshot was taken, else 55000. `rows` are those seen.
void check_not_lost(const Model& model, Side side, std::size_t rows);

/// The same for whoever has not found a row and has not read all.
void check_not_lost(const Model& model, Side side);

}  // namespace als::pg
