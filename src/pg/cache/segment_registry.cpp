// Which segments of which models lie in shared memory.
#include "pg/cache/segment_registry.h"

#include "pg/cache/shared_memory_room.h"
#include "pg/server/settings.h"

namespace als::pg {

namespace {

/// Kinds of segments times models: enough for hundreds of models.
constexpr int kMaxEntries = 1024;
constexpr int kNowhere = -1;

/// What the server has for all its sessions' segments of dynamic shared memory: see dsm.c.
int server_segments() { return 64 + (PG_VERSION_NUM >= 140000 ? 5 : 2) * MaxBackends; }

/// Half of them, so that parallel plans find the others.
int n_entries() { return std::min(server_segments() / 2, kMaxEntries); }

struct Entry {
  std::uint64_t id;  // 0: none here
  SegmentKey key;
  dsm_handle handle;
  std::uint64_t bytes;
  std::uint64_t
      seen_until;  // the snapshot under which it was built saw no transaction from here on
  bool superseded;
  std::uint32_t sessions;  // that have it mapped
  pg_atomic_uint64 hits;
  pg_atomic_uint64 last_used;
};

struct Registry {
  LWLock lock;  // of the entries, but for their two atomic fields
  int tranche;
  std::uint64_t last_id;
  pg_atomic_uint64 changes;  // counts what may have made a segment stale
  int n_entries;
  Entry entries[FLEXIBLE_ARRAY_MEMBER];

  Entry* begin() { return entries; }
  Entry* end() { return entries + n_entries; }
};

std::size_t registry_bytes() {
  return offsetof(Registry, entries) + static_cast<std::size_t>(n_entries()) * sizeof(Entry);
}

/// Where this session has entered its use of a segment.
struct Use {
  std::uint64_t id;
  int slot;  // or kNowhere
};

void init_registry(void* memory) {
  auto* registry = static_cast<Registry*>(memory);
  std::memset(memory, 0, registry_bytes());
  registry->n_entries = n_entries();
  registry->tranche = LWLockNewTrancheId();
  LWLockInitialize(&registry->lock, registry->tranche);
  pg_atomic_init_u64(&registry->changes, 0);
  for (Entry& entry : *registry) {
    pg_atomic_init_u64(&entry.hits, 0);
    pg_atomic_init_u64(&entry.last_used, 0);
  }
}

/// The server makes it for the first session that asks, and finds it for the others.
Registry* find_registry() {
  // Named with the layout's number: a new release of the module may be loaded beside the old one.
  constexpr const char* kName = "als segments 5";
  bool found = false;
#if PG_VERSION_NUM >= 170000
  return static_cast<Registry*>(GetNamedDSMSegment(kName, registry_bytes(), init_registry, &found));
#else
  LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
  void* memory = ShmemInitStruct(kName, registry_bytes(), &found);
  if (!found) init_registry(memory);
  LWLockRelease(AddinShmemInitLock);
  return static_cast<Registry*>(memory);
#endif
}

Registry* open_registry() {
  try {
    return server([] {
      Registry* registry = find_registry();
      LWLockRegisterTranche(registry->tranche, "als_segments");
      return registry;
    });
  } catch (const ServerError& error) {
    go_on_after(error, "als cannot share models between sessions");
    return nullptr;
  }
}

bool opened = false;
Registry* opened_registry = nullptr;

/// Null if there is no room for it.
Registry* registry() {
  if (!opened) {
    opened_registry = open_registry();
    opened = true;
  }
  return opened_registry;
}

/// Nothing may fail while it is held: an error caught on its way would leave it locked.
class RegistryLock {
 public:
  explicit RegistryLock(LWLockMode mode) { LWLockAcquire(&registry()->lock, mode); }
  ~RegistryLock() { LWLockRelease(&registry()->lock); }
  RegistryLock(const RegistryLock&) = delete;
  RegistryLock& operator=(const RegistryLock&) = delete;
};

Entry* find_entry(const SegmentKey& key) {
  for (Entry& entry : *registry())
    if (entry.id != 0 && entry.key == key) return &entry;
  return nullptr;
}

Entry* find_entry(std::uint64_t id) {
  for (Entry& entry : *registry())
    if (entry.id == id) return &entry;
  return nullptr;
}

/// Where a segment that this session has mapped is entered; null if it has given way.
Entry* entry_of(const Segment& segment) {
  if (segment.slot() == kNowhere) return nullptr;
  Entry& entry = registry()->entries[segment.slot()];
  return entry.id == segment.id() ? &entry : nullptr;
}

void touch(Entry& entry) {
  pg_atomic_fetch_add_u64(&entry.hits, 1);
  pg_atomic_write_u64(&entry.last_used,
                      static_cast<std::uint64_t>(GetCurrentStatementStartTimestamp()));
}

/// Segments that have lost their place here; to be let go once the lock is released.
struct Removed {
  dsm_handle handles[kMaxEntries];
  int n = 0;

  void remove(Entry& entry) {
    handles[n++] = entry.handle;
    entry.id = 0;
    pg_atomic_fetch_add_u64(&registry()->changes, 1);
  }
  void unpin() const {
    for (int i = 0; i < n; ++i) dsm_unpin_segment(handles[i]);
  }
};

/// When this session unmaps a segment, by choice or because it ends.
void end_use(dsm_segment*, Datum argument) {
  auto* use = reinterpret_cast<Use*>(DatumGetPointer(argument));
  Removed removed;
  {
    RegistryLock lock(LW_EXCLUSIVE);
    if (use->slot != kNowhere) {
      Entry& entry = registry()->entries[use->slot];
      if (entry.id == use->id && --entry.sessions == 0 && entry.superseded) removed.remove(entry);
    }
  }
  pfree(use);
  removed.unpin();
}

/// Enters that this session has the segment mapped.
void begin_use(Segment& segment) {
  server([&] {
    auto* use = static_cast<Use*>(MemoryContextAlloc(TopMemoryContext, sizeof(Use)));
    *use = {segment.id(), kNowhere};
    on_dsm_detach(segment.dsm(), end_use, PointerGetDatum(use));
    RegistryLock lock(LW_EXCLUSIVE);
    Entry* entry = find_entry(segment.id());
    if (entry == nullptr) return;  // it has just given way
    use->slot = static_cast<int>(entry - registry()->entries);
    segment.set_slot(use->slot);
    ++entry->sessions;
  });
}

std::size_t registered_bytes() {
  std::size_t total = 0;
  for (const Entry& entry : *registry())
    if (entry.id != 0) total += entry.bytes;
  return total;
}

/// Makes room for so many bytes within a limit: segments with a newer version go first, then those
/// that have not been used for longest. Returns a free entry, or null if that many bytes are too
/// much.
Entry* make_room(std::size_t bytes, std::size_t limit, Removed& removed) {
  if (bytes > limit) return nullptr;
  for (std::size_t total = registered_bytes();;) {
    Entry* free = nullptr;
    Entry* victim = nullptr;
    for (Entry& entry : *registry()) {
      if (entry.id == 0) {
        free = &entry;
        continue;
      }
      const auto rank = [](Entry& e) {
        return std::make_pair(!e.superseded, pg_atomic_read_u64(&e.last_used));
      };
      if (victim == nullptr || rank(entry) < rank(*victim)) victim = &entry;
    }
    if (free != nullptr && total + bytes <= limit) return free;
    total -= victim->bytes;
    removed.remove(*victim);
  }
}

/// From which transaction on the snapshot sees nothing, counted without end.
std::uint64_t first_unseen(Snapshot snapshot) {
  const FullTransactionId next = ReadNextFullTransactionId();
  return U64FromFullTransactionId(next) - (XidFromFullTransactionId(next) - snapshot->xmax);
}

}  // namespace

bool segments_are_shared() { return cache_size() > 0 && registry() != nullptr; }

std::shared_ptr<Segment> registered_segment(const SegmentKey& key) {
  dsm_handle handle = 0;
  std::uint64_t id = 0;
  {
    RegistryLock lock(LW_SHARED);
    if (Entry* entry = find_entry(key)) {
      handle = entry->handle;
      id = entry->id;
    }
  }
  if (id == 0) return nullptr;
  std::shared_ptr<Segment> segment = Segment::attach(handle, id);
  if (segment != nullptr && segment.use_count() == 1) begin_use(*segment);
  return segment;
}

std::shared_ptr<Segment> new_shared_segment(std::size_t bytes) {
  std::uint64_t id;
  Removed removed;
  const std::optional<std::size_t> free = free_shared_memory();
  const std::size_t size = cache_size();
  bool has_room;
  {
    RegistryLock lock(LW_EXCLUSIVE);
    id = ++registry()->last_id;
    const std::size_t limit = std::min(size, our_share(free, registered_bytes()));
    has_room = make_room(bytes, limit, removed) != nullptr;
  }
  server([&] { removed.unpin(); });
  // What has given way is there until the sessions that use it let go of it.
  if (!has_room || bytes > our_share(free_shared_memory(), 0)) return nullptr;
  return Segment::make_shared(bytes, id);
}

bool register_segment(const SegmentKey& key, Segment& segment) {
  server([&] { dsm_pin_segment(segment.dsm()); });
  const std::uint64_t seen_until = first_unseen(GetActiveSnapshot());
  const std::size_t size = cache_size();
  Removed removed;
  bool registered = false;
  {
    RegistryLock lock(LW_EXCLUSIVE);
    Entry* entry = make_room(segment.bytes(), size, removed);
    if (entry != nullptr) {
      registered = true;
      entry->id = segment.id();
      entry->key = key;
      entry->handle = dsm_segment_handle(segment.dsm());
      entry->bytes = segment.bytes();
      entry->seen_until = seen_until;
      entry->superseded = false;
      entry->sessions = 0;
      pg_atomic_write_u64(&entry->hits, 0);
      touch(*entry);
      // Of two versions that one is older whose snapshot is.
      for (Entry& other : *registry()) {
        if (other.id == 0 || &other == entry || !other.key.is_version_of(key)) continue;
        if (seen_until < other.seen_until) {
          entry->superseded = true;
        } else {
          other.superseded = true;
          if (other.sessions == 0) removed.remove(other);
        }
      }
      pg_atomic_fetch_add_u64(&registry()->changes, 1);
    }
  }
  server([&] {
    removed.unpin();
    if (!registered) dsm_unpin_segment(dsm_segment_handle(segment.dsm()));
  });
  if (registered) begin_use(segment);
  return registered;
}

void count_hit(const Segment& segment) {
  if (!segment.is_shared()) return;
  if (Entry* entry = entry_of(segment)) touch(*entry);
}

bool segments_may_be_stale() {
  static std::uint64_t seen = 0;
  // The end of a transaction is no time to open it.
  if (opened_registry == nullptr) return false;
  const std::uint64_t now = pg_atomic_read_u64(&opened_registry->changes);
  return std::exchange(seen, now) != now;
}

bool is_stale(const Segment& segment) {
  if (!segment.is_shared()) return false;
  RegistryLock lock(LW_SHARED);
  Entry* entry = entry_of(segment);
  return entry == nullptr || entry->superseded;
}

void forget_gone_models() {
  if (registry() == nullptr) return;
  std::uint64_t gone[kMaxEntries];
  int n_gone = 0;
  for (const auto& [id, key] : [] {
         std::vector<std::pair<std::uint64_t, SegmentKey>> all;
         all.reserve(kMaxEntries);
         RegistryLock lock(LW_SHARED);
         for (const Entry& entry : *registry())
           if (entry.id != 0) all.emplace_back(entry.id, entry.key);
         return all;
       }()) {
    const bool exists = server([&, key = &key] {
      if (key->database != MyDatabaseId)
        return SearchSysCacheExists1(DATABASEOID, ObjectIdGetDatum(key->database));
      return SearchSysCacheExists1(RELOID, ObjectIdGetDatum(key->model));
    });
    if (!exists) gone[n_gone++] = id;
  }
  Removed removed;
  {
    RegistryLock lock(LW_EXCLUSIVE);
    for (int i = 0; i < n_gone; ++i)
      if (Entry* entry = find_entry(gone[i])) removed.remove(*entry);
  }
  server([&] { removed.unpin(); });
}

std::vector<RegisteredSegment> registered_segments() {
  std::vector<RegisteredSegment> segments;
  if (registry() == nullptr) return segments;
  segments.reserve(kMaxEntries);
  RegistryLock lock(LW_SHARED);
  for (Entry& entry : *registry()) {
    if (entry.id == 0) continue;
    segments.push_back({entry.key, entry.bytes, entry.sessions, pg_atomic_read_u64(&entry.hits),
                        static_cast<TimestampTz>(pg_atomic_read_u64(&entry.last_used))});
  }
  return segments;
}

}  // namespace als::pg
