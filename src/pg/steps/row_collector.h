// The ratings of many users on their way to rows, in memory of the server.
#pragma once

#include "pg/server/pg.h"

namespace als::pg {

/// Ratings come in any order of the users, and go by user. Were each added to what its user has,
/// wherever that lies, memory would be waited for at each: so they are put down one behind the
/// other, in some files by user, and a file is sorted when the first of its users is asked for.
///
/// Memory is that of a context, so that an aggregate's is counted; it goes with the context, and
/// whatever the server is out of is its own error. Nothing here has a destructor that matters.
class RowCollector {
 public:
  struct Entry {
    std::uint32_t item;
    float rating;
  };
  struct Row {
    const Entry* entries;
    std::size_t size;
  };

  explicit RowCollector(MemoryContext context) : context_(context) {}

  MemoryContext context() const { return context_; }

  /// The number of the next user.
  std::uint32_t add_user();
  void add(std::uint32_t user, std::uint32_t item, float rating) {
    File& file = files_[user % kFiles];
    if (file.last == nullptr || file.last->size == file.last->capacity) grow(file);
    file.last->entries[file.last->size++] = {user / kFiles, item, rating};
  }

  /// Of a user, in the order in which they came. Nothing is added from the first call on.
  Row row(std::uint32_t user);
  bool is_sorted() const { return is_sorted_; }

 private:
  static constexpr std::uint32_t kFiles = 64;
  static constexpr std::size_t kBlock = 4096;  // entries, at most

  struct Collected {
    std::uint32_t user;  // of the file
    std::uint32_t item;
    float rating;
  };
  struct Block {
    Block* next;
    std::size_t size;
    std::size_t capacity;
    Collected entries[FLEXIBLE_ARRAY_MEMBER];
  };
  struct File {
    Block* first;
    Block* last;
    Entry* sorted;
    std::size_t* ends;  // of the users' rows
  };

  void grow(File& file);
  void sort(File& file, std::uint32_t users);

  MemoryContext context_;
  std::uint32_t users_ = 0;
  bool is_sorted_ = false;
  File files_[kFiles] = {};
};

}  // namespace als::pg
