// Notes that are put into a queue without a statement: its rules, triggers and privileges do not
// count.
#pragma once

#include "pg/server/pg.h"

namespace als::pg {

/// Puts rows into a queue, many at a time. A part of a server call.
class QueueWriter {
 public:
  explicit QueueWriter(Relation queue) : queue_(queue), command_(GetCurrentCommandId(true)) {}

  void put(Datum user, Datum item, bool everything) {
    TupleTableSlot*& slot = slots_[waiting_];
    if (slot == nullptr) slot = table_slot_create(queue_, nullptr);
    ExecClearTuple(slot);
    slot->tts_values[0] = user;
    slot->tts_values[1] = item;
    slot->tts_isnull[0] = slot->tts_isnull[1] = everything;
    ExecStoreVirtualTuple(slot);
    ExecMaterializeSlot(slot);
    if (++waiting_ == kBatch) flush();
  }
  void put_everything() { put(0, 0, true); }

  void finish() {
    flush();
    for (TupleTableSlot* slot : slots_)
      if (slot != nullptr) ExecDropSingleTupleTableSlot(slot);
  }

 private:
  static constexpr int kBatch = 64;

  void flush() {
    if (waiting_ == 1)
      table_tuple_insert(queue_, slots_[0], command_, 0, nullptr);
    else if (waiting_ > 1)
      table_multi_insert(queue_, slots_, waiting_, command_, 0, nullptr);
    waiting_ = 0;
  }

  Relation queue_;
  CommandId command_;
  TupleTableSlot* slots_[kBatch] = {};
  int waiting_ = 0;
};

/// Notes for a queue that everything is to be compared. Notes nothing in a table that is no queue
/// any more, of which everything is compared in any case; nor for InvalidOid. A server call.
void note_everything(Oid queue);

}  // namespace als::pg
