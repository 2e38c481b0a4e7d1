// Rows into a table that has just been made, without a statement.
#pragma once

#include "pg/batch/recommendation_feed.h"
#include "pg/server/pg.h"

namespace als::pg {

/// Whether rows can be put into a table that the caller has made, in this transaction, as it made
/// it: nothing is to be done but to store them. An event trigger may have added more.
bool takes_rows_as_they_are(Oid table, const RecommendationFeed& rows);

/// Appends them as COPY does, many to a page and to a record of the log, in a third of the time
/// that INSERT takes. A table (user_id, item_id, score, rank) with the very types of the ids.
void bulk_insert(Oid table, const RecommendationFeed& rows);

}  // namespace als::pg
