// Values that a session keeps from statement to statement of its transaction, by numbers that
// tables hold in their place.
#pragma once

#include <cstdint>
#include <unordered_map>

#include "pg/server/random_number.h"
#include "pg/server/settings.h"
#include "pg/steps/kept_to_end.h"

namespace als::pg {

/// Each value has a number that no other has, so trainings within others have theirs side by side.
/// It stays until it is taken, at the latest to the end of the transaction, or until the
/// subtransaction is rolled back that has kept it: with it goes the row that holds the number.
template <class V>
class KeptValues {
 public:
  static KeptValues& of_session();

  /// Whether so many bytes are no more than a quarter of als.max_memory with those that are kept,
  /// and what is beside them.
  bool has_room(std::size_t bytes, std::size_t beside = 0) const {
    const std::size_t most = max_memory() / 4;
    return bytes <= most && beside <= most - bytes && bytes_ <= most - bytes - beside;
  }

  /// Returns the number of a value of so many bytes, for which there is room. None is 0.
  std::uint64_t keep(V&& value, std::size_t bytes) {
    const std::uint64_t number = std::max<std::uint64_t>(random_number(), 1);
    const SubTransactionId subtransaction = GetCurrentSubTransactionId();
    values_.insert_or_assign(number, Kept{std::move(value), bytes, subtransaction});
    bytes_ += bytes;
    return number;
  }

  /// Or null.
  V* find(std::uint64_t number) {
    const auto found = values_.find(number);
    return found == values_.end() ? nullptr : &found->second.value;
  }

  /// One that is there: it is no longer kept.
  V take(std::uint64_t number) {
    auto node = values_.extract(number);
    bytes_ -= node.mapped().bytes;
    return std::move(node.mapped().value);
  }

  void forget(std::uint64_t number) {
    if (find(number) != nullptr) take(number);
  }

  /// Forgets what a subtransaction has kept, and those within it, which came after it.
  void undo(SubTransactionId first) {
    for (auto i = values_.begin(); i != values_.end();) {
      const auto kept = i++;
      if (kept->second.subtransaction < first) continue;
      bytes_ -= kept->second.bytes;
      values_.erase(kept);
    }
  }

 private:
  struct Kept {
    V value;
    std::size_t bytes;
    SubTransactionId subtransaction;
  };
  std::unordered_map<std::uint64_t, Kept> values_;
  std::size_t bytes_ = 0;
};

template <class V>
KeptValues<V>& KeptValues<V>::of_session() {
  static bool watching = false;
  if (!watching) {
    const SubXactCallback undo = [](SubXactEvent event, SubTransactionId ended, SubTransactionId,
                                    void*) {
      const auto& kept = kept_of_transaction<KeptValues<V>>;
      if (event == SUBXACT_EVENT_ABORT_SUB && kept != nullptr) kept->undo(ended);
    };
    server([&] { RegisterSubXactCallback(undo, nullptr); });
    watching = true;
  }
  return kept_to_end<KeptValues<V>>();
}

}  // namespace als::pg
