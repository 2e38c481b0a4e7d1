// Passes on what the server reports about relations.
#include "pg/server/relation_changes.h"

namespace als::pg {

namespace {

constexpr int kMaxWatchers = 8;
void (*watchers[kMaxWatchers])(Oid);
int n_watchers = 0;

void pass_on(Datum, Oid relation) {
  for (int i = 0; i < n_watchers; ++i) watchers[i](relation);
}

}  // namespace

void watch_relations(void (*on_change)(Oid)) {
  if (n_watchers == 0) CacheRegisterRelcacheCallback(pass_on, 0);
  if (n_watchers == kMaxWatchers) elog(ERROR, "too many of als watch relations");
  watchers[n_watchers++] = on_change;
}

}  // namespace als::pg
