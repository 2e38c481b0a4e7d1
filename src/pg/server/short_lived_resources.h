// Locks, and whatever else the server would keep until the transaction ends.
#pragma once

#include "pg/server/guard.h"

namespace als::pg {

/// Owns what server calls take while this object lives, until release(). After an error that ends
/// the transaction, or a subtransaction, the server releases it itself.
class ShortLivedResources {
 public:
  ShortLivedResources()
      : outer_(CurrentResourceOwner),
        own_(server([&] { return ResourceOwnerCreate(outer_, "als"); })) {
    CurrentResourceOwner = own_;
  }
  ~ShortLivedResources() { CurrentResourceOwner = outer_; }
  ShortLivedResources(const ShortLivedResources&) = delete;
  ShortLivedResources& operator=(const ShortLivedResources&) = delete;

  /// One of the two is to be called, once.
  void release() { end(false); }
  void keep() { end(true); }  ///< leaves the locks to the transaction

 private:
  void end(bool keeps_locks) {
    CurrentResourceOwner = outer_;
    server([&] {
      for (const auto phase :
           {RESOURCE_RELEASE_BEFORE_LOCKS, RESOURCE_RELEASE_LOCKS, RESOURCE_RELEASE_AFTER_LOCKS})
        ResourceOwnerRelease(own_, phase, keeps_locks, false);
      ResourceOwnerDelete(own_);
    });
  }

  ResourceOwner outer_;
  ResourceOwner own_;
};

}  // namespace als::pg
