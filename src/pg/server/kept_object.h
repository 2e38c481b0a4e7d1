// C++ objects that live as long as a memory context of the server.
#pragma once

#include "pg/server/guard.h"

namespace als::pg {

/// Makes an object that is destroyed with the contents of `context`, after an error too: the state
/// of an aggregate, or what a function keeps from one call of a query to the next.
template <class T, class... Args>
T* keep_in(MemoryContext context, Args&&... args) {
  auto* callback = server([&] {
    return static_cast<MemoryContextCallback*>(
        MemoryContextAllocZero(context, sizeof(MemoryContextCallback)));
  });
  auto object = std::make_unique<T>(std::forward<Args>(args)...);
  callback->func = [](void* kept) { delete static_cast<T*>(kept); };
  callback->arg = object.get();
  MemoryContextRegisterResetCallback(context, callback);
  return object.release();
}

}  // namespace als::pg
