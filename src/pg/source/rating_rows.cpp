// Numbers ids in batches.
#include "pg/source/rating_rows.h"

#include "pg/source/rating_error.h"
#include "pg/source/rating_weight.h"

namespace als::pg {

/// Runs inside the executor: whatever may throw is guarded, and that is not each row.
void RatingRows::add(const Datum* values, const bool* nulls) {
  ++rows_;
  if (nulls[0] || nulls[1] || nulls[2]) {
    ++skipped_;
    return;
  }
  double value = source_.rating_number(values[2]);
  auto single = static_cast<float>(value);
  if (!std::isfinite(single))
    guard([&] { throw_rating_not_finite(source_.id_types, values[0], values[1], value); });
  Batch& batch = batch_;
  float& weight = batch.weights[batch.users.size()];
  if (source_.weight_col) {
    const NullableDatum read{values[3], nulls[3]};
    bool counts = false;
    guard([&] { counts = weigh(source_, values, read, single, weight); });
    if (!counts) {
      ++skipped_;
      return;
    }
  }
  batch.values[batch.users.size()] = single;
  batch.users.add(values[0]);
  batch.items.add(values[1]);
  if (batch.users.size() == IdBatch::kSize) guard([&] { look_up(); });
}

void RatingRows::look_up() {
  Batch& batch = batch_;
  std::uint32_t users[IdBatch::kSize];
  std::uint32_t items[IdBatch::kSize];
  std::size_t n = batch.users.size();
  const float* weights = source_.has_weights() ? batch.weights : nullptr;
  if (known_ == nullptr) {
    users_.find_or_add(batch.users.ids(), n, users);
    items_.find_or_add(batch.items.ids(), n, items);
    buffer_.append(users, items, batch.values, n, weights);
  } else {
    for (std::size_t i = 0; i < n; ++i) {
      users[i] = known_->users_.find(batch.users.ids()[i]);
      items[i] = known_->items_.find(batch.items.ids()[i]);
      if (users[i] != IdDictionary::kMissing && items[i] != IdDictionary::kMissing)
        buffer_.append(users + i, items + i, batch.values + i, 1,
                       weights == nullptr ? nullptr : weights + i);
    }
  }
  batch.users.clear();
  batch.items.clear();
}

void RatingRows::finish() {
  server([&] { guard([&] { look_up(); }); });
}

}  // namespace als::pg
