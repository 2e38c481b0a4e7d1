// Packs ratings in compressed rows, both ways.
#include "core/chunks/chunk.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/chunks/chunk_rows.h"
#include "core/chunks/held_out.h"
#include "core/pieces/pieces.h"
#include "core/pieces/step.h"

namespace als {

Bytes bytes_of(const ChunkFacts& facts) {
  PieceWriter writer(Piece::kChunk);
  writer.put(facts.id.part);
  writer.put(facts.id.number);
  writer.put(facts.users);
  writer.put(facts.items);
  writer.put(facts.moments.count);
  writer.put(facts.moments.mean);
  writer.put(facts.moments.squares);
  return writer.take();
}

namespace {

std::vector<std::uint32_t> row_sizes(const CompressedRows& rows) {
  std::vector<std::uint32_t> sizes(rows.rows());
  for (std::size_t r = 0; r < rows.rows(); ++r) {
    sizes[r] = static_cast<std::uint32_t>(rows.row_size(r));
  }
  return sizes;
}

std::size_t size_of(const CompressedRows& rows) { return rows.columns.size() * 8 + 64; }

}  // namespace

Bytes by_user_bytes(const CompressedRows& rows) {
  PieceWriter writer(Piece::kByUser, size_of(rows) + rows.rows() * 4);
  writer.put(row_sizes(rows));
  writer.put(rows.columns);
  writer.put(rows.values);
  return writer.take();
}

RatingMoments moments_of(const UninitializedVector<float>& values) {
  RatingMoments moments;
  moments.count = values.size();
  if (values.empty()) return moments;
  moments.mean =
      std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
  for (const float value : values) {
    moments.squares += (value - moments.mean) * (value - moments.mean);
  }
  return moments;
}

Bytes joined(Bytes first, const Bytes& second) {
  if (first.size() + second.size() > PieceWriter::kMaxBytes) {
    throw std::length_error("a chunk of ratings is larger than 1000 MB");
  }
  return first += second;
}

namespace {

/// Without the items that have no ratings.
ItemRows item_rows(CompressedRows&& rows) {
  ItemRows some;
  some.rows.offsets.push_back(0);
  for (std::size_t item = 0; item < rows.rows(); ++item) {
    if (rows.row_size(item) == 0) continue;
    some.items.push_back(static_cast<std::uint32_t>(item));
    some.rows.offsets.push_back(rows.offsets[item + 1]);
  }
  some.rows.columns = std::move(rows.columns);
  some.rows.values = std::move(rows.values);
  return some;
}

Bytes item_piece(const ItemRows& matrix) {
  PieceWriter writer(Piece::kByItem, size_of(matrix.rows) + matrix.items.size() * 8);
  writer.put(static_cast<std::uint64_t>(matrix.items.size()));
  writer.put(matrix.items);
  writer.put(row_sizes(matrix.rows));
  writer.put(matrix.rows.columns);
  writer.put(matrix.rows.values);
  return writer.take();
}

void check_rows(const RatingBuffer& rows, std::size_t users, std::size_t items) {
  for (std::size_t b = 0; b < rows.blocks(); ++b) {
    const RatingBuffer::Entry* entries = rows.block(b);
    for (std::size_t e = 0; e < rows.block_size(b); ++e) {
      expect(entries[e].user < users && entries[e].item < items,
             "a rating is of a user or an item that is not there");
      expect(std::isfinite(entries[e].value), "a rating is not finite");
    }
  }
}

}  // namespace

PackedChunk packed(const UnpackedChunk& chunk) {
  const Bytes facts = bytes_of(chunk.by_user.facts);
  return {joined(facts, by_user_bytes(chunk.by_user.rows)),
          joined(facts, item_piece(chunk.by_item.matrix)), chunk.held_out, chunk.duplicates};
}

UnpackedChunk make_chunk(ChunkId id, RatingBuffer&& rows,
                         const std::vector<std::uint32_t>& user_rank, std::uint32_t items,
                         OnDuplicate on_duplicate, ThreadTeam& team, const ChunkHoldout* holdout) {
  expect(items <= kMaxPartsItems, "more items than a training over parts can have");
  check_rows(rows, user_rank.size(), items);
  HoldoutRule rule;
  if (holdout != nullptr) {
    rule = {holdout->share, holdout->seed, holdout->user_keys, {}};
    rule.item_keys.resize(items);
    std::vector<bool> known(items);
    for (std::size_t b = 0; b < rows.blocks(); ++b) {
      for (std::size_t e = 0; e < rows.block_size(b); ++e) {
        const std::uint32_t item = rows.block(b)[e].item;
        if (!known[item]) rule.item_keys[item] = holdout->item_key(item);
        known[item] = true;
      }
    }
  }
  std::vector<std::uint32_t> same_item(items);
  std::iota(same_item.begin(), same_item.end(), 0U);
  Ratings ratings(std::move(rows), user_rank, same_item, on_duplicate, team,
                  holdout == nullptr ? nullptr : &rule);

  const ChunkFacts facts{id, static_cast<std::uint32_t>(user_rank.size()), items,
                         moments_of(ratings.by_user().values)};
  return {
      {facts, ratings.take_by_user()},
      {facts, item_rows(ratings.take_by_item())},
      holdout == nullptr ? Bytes() : pack_held_out(facts, ratings.held_out(), holdout->user_keys),
      ratings.duplicates()};
}

/// Chan, Golub and LeVeque 1979.
void RatingMoments::add(const RatingMoments& other) {
  if (other.count == 0) return;
  const auto n = static_cast<double>(count);
  const auto m = static_cast<double>(other.count);
  const double difference = other.mean - mean;
  squares += other.squares + difference * difference * n * m / (n + m);
  mean += difference * m / (n + m);
  count += other.count;
}

double RatingMoments::spread() const {
  return spread_of(mean, count == 0 ? 0.0 : squares / static_cast<double>(count));
}

}  // namespace als
