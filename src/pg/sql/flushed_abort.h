// Unlogged tables of a transaction that may be rolled back.
#pragma once

#include <functional>
#include <string>

namespace als::pg {

/// Has run() create a table. If the transaction is rolled back then, or the part of it that has
/// created an unlogged table, the log says so on disk before any file of the table is removed.
///
/// PostgreSQL leaves that to the log's writer. If the server crashes before it has come, recovery
/// finds the record that made the table's initial fork, but none of its end; and of its files the
/// main one, which is removed no earlier than by the next checkpoint. It does not take that for an
/// unlogged table's at first, makes the initial fork anew, and fails to copy it over the main one:
/// the server does not start again.
void create_table(const std::string& table, const std::string& columns, bool unlogged,
                  const std::function<void(const std::string&)>& run);

/// The same as a statement of this session.
void create_table(const std::string& table, const std::string& columns, bool unlogged);

}  // namespace als::pg
