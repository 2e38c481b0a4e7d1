// Puts the one note that is not a trigger's.
#include "pg/track/queue_writer.h"

#include "pg/track/change_queue.h"

namespace als::pg {

void note_everything(Oid queue) {
  Relation table = OidIsValid(queue) ? try_relation_open(queue, RowExclusiveLock) : nullptr;
  if (table == nullptr) return;
  if (is_plain_queue(table)) {
    QueueWriter writer(table);
    writer.put_everything();
    writer.finish();
  }
  relation_close(table, NoLock);
}

}  // namespace als::pg
