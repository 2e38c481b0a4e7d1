// Keeps one dictionary.
#include "pg/steps/session_items.h"

#include "pg/server/random_number.h"
#include "pg/steps/kept_to_end.h"

namespace als::pg {

namespace {

struct KeptItems {
  std::shared_ptr<SessionItems> items;
};

}  // namespace

SessionItems::SessionItems(std::int64_t training, Oid type, Oid collation)
    : training_(training),
      context_("als items of a session"),
      type_(describe_id_type_in(context_.get(), type, collation, "item ids")),
      ids_(std::make_unique<IdDictionary>(type_)),
      session_(random_number()) {}

std::shared_ptr<SessionItems> SessionItems::of(std::int64_t training, Oid type, Oid collation) {
  std::shared_ptr<SessionItems>& items = kept_to_end<KeptItems>().items;
  if (items == nullptr || items->training_ != training || items->type_->oid != type ||
      items->type_->collation != collation)
    items = std::make_shared<SessionItems>(training, type, collation);
  return items;
}

}  // namespace als::pg
