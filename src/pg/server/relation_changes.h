// Who wants to hear of changes of relations, and what is known of them until they change.
//
// The server has room for ten such callbacks in all, some of which it takes itself, and other
// extensions several: als takes one.
#pragma once

#include "pg/server/pg.h"

namespace als::pg {

/// Calls the function for every relation whose catalog rows change from now on, with InvalidOid
/// where that may be any. It may not fail. To be called once for each. A server call.
void watch_relations(void (*on_change)(Oid relation));

/// What was found out about relations, until something about them changes. Never destroyed: a
/// backend ends without running destructors.
template <class Fact>
class KnownFacts {
 public:
  /// The fact about one or two relations, found by find() where it is not known.
  template <class Find>
  Fact about(Oid relation, Oid other, const Find& find) {
    const std::size_t place = place_of(relation, other);
    // Looking may itself meet changes; and where it fails, nothing is known.
    for (int i = 0; i < 3 && !known_[place].is_current; ++i) {
      known_[place].has_changed = false;
      const Fact fact = find();
      known_[place].fact = fact;
      known_[place].is_current = !known_[place].has_changed;
    }
    return known_[place].fact;
  }

  /// Takes no memory, and cannot fail. is_about(fact, relation): what else a fact depends on.
  template <class IsAbout>
  void forget(Oid relation, const IsAbout& is_about) {
    for (Known& known : known_)
      if (!OidIsValid(relation) || known.relation == relation || known.other == relation ||
          is_about(known.fact, relation)) {
        known.is_current = false;
        known.has_changed = true;
      }
  }

 private:
  struct Known {
    Oid relation;
    Oid other;
    bool is_current;
    bool has_changed;  // since find() was called
    Fact fact;
  };
  static constexpr std::size_t kMaxKnown = 256;

  std::size_t place_of(Oid relation, Oid other) {
    for (std::size_t i = 0; i < known_.size(); ++i)
      if (known_[i].relation == relation && known_[i].other == other) return i;
    if (known_.size() >= kMaxKnown) known_.clear();
    known_.push_back({relation, other, false, false, {}});
    return known_.size() - 1;
  }

  std::vector<Known> known_;
};

}  // namespace als::pg
