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

  /// To be called at most once.
  void release() {
    CurrentResourceOwner = outer_;
    server([&] {
      ResourceOwnerRelease(own_, RESOURCE_RELEASE_BEFORE_LOCKS, false, false);
      ResourceOwnerRelease(own_, RESOURCE_RELEASE_LOCKS, false, false);
      ResourceOwnerRelease(own_, RESOURCE_RELEASE_AFTER_LOCKS, false, false);
      ResourceOwnerDelete(own_);
    });
  }

 private:
  ResourceOwner outer_;
  ResourceOwner own_;
};

}  // namespace als::pg
