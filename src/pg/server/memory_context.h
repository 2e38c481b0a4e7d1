// A server memory context that a C++ object owns.
#pragma once

#include "pg/server/guard.h"

namespace als::pg {

/// A child of TopMemoryContext that lives as long as this object.
class OwnedMemoryContext {
 public:
  /// `name` must be a literal.
  explicit OwnedMemoryContext(const char* name)
      : context_(server([&] {
          return AllocSetContextCreateInternal(TopMemoryContext, name, ALLOCSET_SMALL_SIZES);
        })) {}
  ~OwnedMemoryContext() { MemoryContextDelete(context_); }
  OwnedMemoryContext(const OwnedMemoryContext&) = delete;
  OwnedMemoryContext& operator=(const OwnedMemoryContext&) = delete;

  MemoryContext get() const { return context_; }

 private:
  MemoryContext context_;
};

}  // namespace als::pg
