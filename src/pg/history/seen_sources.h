// Where it says what users have seen.
#pragma once

#include "pg/model/model_source.h"

namespace als::pg {

/// What a caller has named as `seen`. Throws what parse_seen() throws, and 42703 where one of the
/// columns is missing: a statement that names them would fail less clearly.
RatingSource seen_named(const std::string& text, const Model& model);

/// Calls visit(source) for the model's source and for what has been seen beside it: what the caller
/// has named as `seen`, or else what the model's row names. A model without a source may do with
/// the latter. Throws what trusted_source() and seen_named() throw, and visit().
template <class Visit>
void for_each_seen_source(const Model& model, const std::optional<std::string>& seen,
                          const Visit& visit) {
  const bool has_more = seen || !model.seen.is_none();
  if (!model.source.is_none() || !has_more) visit(trusted_source(model));
  if (has_more) visit(seen ? seen_named(*seen, model) : trusted_seen(model));
}

}  // namespace als::pg
