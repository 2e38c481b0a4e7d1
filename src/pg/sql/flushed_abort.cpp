// The server calls back between the record of a rollback and the removal of files.
#include "pg/sql/flushed_abort.h"

#include "pg/server/guard.h"
#include "pg/server/pg.h"
#include "pg/sql/spi.h"

extern "C" {
#include "access/xlog_internal.h"
}

namespace als::pg {

namespace {

bool is_to_flush = false;

/// The end of the last record. The server tells where the next one begins, which is behind the
/// header of a page where the last one ends with a page.
XLogRecPtr end_of_log() {
  const XLogRecPtr next = GetXLogInsertRecPtr();
  const bool is_first_page = XLogSegmentOffset(next, wal_segment_size) < XLOG_BLCKSZ;
  const std::size_t header = is_first_page ? SizeOfXLogLongPHD : SizeOfXLogShortPHD;
  return next % XLOG_BLCKSZ == header ? next - header : next;
}

void end_transaction(XactEvent event, void*) {
  if (event == XACT_EVENT_ABORT && is_to_flush) XLogFlush(end_of_log());
  if (event == XACT_EVENT_ABORT || event == XACT_EVENT_COMMIT || event == XACT_EVENT_PREPARE)
    is_to_flush = false;
}

void end_subtransaction(SubXactEvent event, SubTransactionId, SubTransactionId, void*) {
  if (event == SUBXACT_EVENT_ABORT_SUB && is_to_flush) XLogFlush(end_of_log());
}

void flush_abort() {
  static bool is_registered = false;
  if (!is_registered) {
    server([] {
      RegisterXactCallback(end_transaction, nullptr);
      RegisterSubXactCallback(end_subtransaction, nullptr);
    });
    is_registered = true;
  }
  is_to_flush = true;
}

}  // namespace

void create_table(const std::string& table, const std::string& columns, bool unlogged,
                  const std::function<void(const std::string&)>& run) {
  if (unlogged) flush_abort();
  run((unlogged ? "create unlogged table " : "create table ") + table + " (" + columns + ")");
}

void create_table(const std::string& table, const std::string& columns, bool unlogged) {
  create_table(table, columns, unlogged, [](const std::string& statement) { execute(statement); });
}

}  // namespace als::pg
