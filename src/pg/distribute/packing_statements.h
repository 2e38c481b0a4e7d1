// The statements that pack a source, wherever its rows lie.
#pragma once

#include "pg/distribute/workspace.h"
#include "pg/source/rating_source.h"

namespace als::pg {

/// Reads the source: gathers each user's ratings, and items. $1: those that rows are collected for,
/// places of a part, and parts, see als._collect.
std::string rows_statement(const DescribedSource& source, const Workspace& tables);

/// What the rows say of themselves: rows of the source, those that count, users.
std::string counts_query(const Workspace& tables);

/// The items in the rows.
std::string item_query(const Workspace& tables);

/// Numbers the items that such a query has.
std::string number_statement(const Workspace& tables, const std::string& items);

/// Tells the rows what the numbers of their items are.
std::string numbers_statement(const Workspace& tables, const IdType& item);

/// The first user and item that have several rows.
std::string duplicate_query(const DescribedSource& source);

/// Packs chunks of users. $1: items, $2: OnDuplicate, $3: chunks of a part, $4: places of a part,
/// $5: the share that is kept out, if any is, $6: the seed.
std::string chunks_statement(const Workspace& tables, bool keeps_out);

/// The first hashes of users who may judge what has been learnt, in their order.
std::string judged_hashes_query(const Workspace& tables, std::size_t n);

/// The ratings of one of so many users: id, and ratings as PackedRating has them.
std::string sample_query(const Workspace& tables, int buckets);

/// Users as they are before the first half-step.
std::string first_users_statement(const Workspace& tables);

/// What is in the chunks: part, number, users, ratings, mean, squares, duplicates, lowest, highest;
/// in their order.
std::string facts_query(const Workspace& tables);

/// What the ratings of each item come to: place, slice, part, piece. $1: training, $2: the places
/// of the slices.
std::string totals_query(const Workspace& tables);

/// What parts have for all slices, as rows for the table of sums: place, slice, part, piece. parts:
/// a query of part and pieces; $2: the places of the slices.
std::string pieces_query(const std::string& parts);

}  // namespace als::pg
