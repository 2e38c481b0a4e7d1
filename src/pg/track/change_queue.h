// The table in which a model's source notes whose ratings have changed, and the triggers that do.
//
//   trigger on the source -> queue -> model: each depends on the next, so that all go with the
//   model
//
// The dependencies are also the proof that a trigger may write into the queue. Nobody but als makes
// them. A dump does not keep them: the triggers of a restored source do nothing until als.track.
#pragma once

#include "pg/model/model.h"
#include "pg/server/relation_lock.h"

namespace als::pg {

/// The queue into which a trigger notes, or InvalidOid. A server call.
Oid queue_of_trigger(Oid trigger);

/// Whether rows can be put into a table with nothing else to be done: an ordinary table of two
/// columns, user_id and item_id, which may be null, without an index. A server call.
bool is_plain_queue(Relation table);

/// The queue of a model, or InvalidOid; also one that has been altered by hand, into which nothing
/// is noted. A server call.
Oid recorded_queue(Oid model);

/// Whether a table has parents or children, partitions too: a statement on one of them changes rows
/// of others, whose triggers do not fire. A server call.
bool is_in_hierarchy(Oid table);

/// What the triggers of a source are called with.
enum TriggerArgument { kUserColumn, kItemColumn, kQueueName };

/// Whether every change of the model's source is noted in the queue, by ids that the model can look
/// up.
bool is_complete(Oid queue, const Model& model, const DescribedSource& source);

/// The same, of a model's table, for whoever has read nothing yet. Keeps locks of the model and of
/// its source, which others may wait for: to be given back by whoever only wants to know. Throws
/// what trusted_source() throws.
bool is_complete(Oid queue, Oid model, MemoryContext context);

/// Records that a trigger notes into a queue. A server call.
void record_queue(Oid trigger, Oid queue);

/// The locks of what notes into a queue, against statements that change it. Such a statement comes
/// to the queue last. So whoever drops that, and with it the triggers, first takes these: the
/// server itself would lock the queue before the sources. None where there is no queue.
std::vector<RelationLock> locks_of_sources(Oid queue);

/// The triggers of a source that say that they note into a table of this name but are not recorded
/// to: what a restore leaves. As a list of names. A server call.
List* unrecorded_triggers(Oid source, const char* queue_name);

}  // namespace als::pg
