// Unlogged tables of a transaction that may be rolled back.
#pragma once

namespace als::pg {

/// How the statement begins that makes a table, to be run in this transaction: "create table " or
/// "create unlogged table ". If the transaction is rolled back then, or the part of it that makes
/// an unlogged table, the log says so on disk before any file of the table is removed.
///
/// PostgreSQL leaves that to the log's writer. If the server crashes before it has come, recovery
/// finds the record that made the table's initial fork, but none of its end; and of its files the
/// main one, which is removed no earlier than by the next checkpoint. It does not take that for an
/// unlogged table's at first, makes the initial fork anew, and fails to copy it over the main one:
/// the server does not start again.
const char* words_to_create(bool unlogged);

}  // namespace als::pg
