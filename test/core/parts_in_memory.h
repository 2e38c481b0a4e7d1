// A training over parts in one process, with the bytes that machines would send to each other.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/chunks/chunk.h"
#include "core/parts/item_slice.h"
#include "core/parts/part_sums.h"
#include "core/parts/parts_trainer.h"
#include "core/parts/piece_sum.h"
#include "core/parts/slice_state.h"
#include "core/parts/users_step.h"
#include "core/train/iterations.h"
#include "small_problem.h"

namespace als {

inline std::vector<const ItemBlock*> pointers_to(const std::vector<ItemBlock>& blocks) {
  std::vector<const ItemBlock*> pointers;
  pointers.reserve(blocks.size());
  for (const ItemBlock& block : blocks) pointers.push_back(&block);
  return pointers;
}

/// Deals users out to parts and chunks: user u to part u % parts, where a chunk has `chunk_users`
/// of them in ascending order.
class PartsInMemory : public PartsRunner {
 public:
  struct Shape {
    std::uint32_t parts = 1;
    std::uint32_t chunk_users = 10;
    std::uint32_t slice_items = 7;
    const HoldoutRule* holdout = nullptr;
  };

  PartsInMemory(const std::vector<Entry>& entries, std::uint32_t users, std::uint32_t items,
                const TrainOptions& options, const Shape& shape, ThreadTeam& team)
      : shape_(shape), team_(team) {
    training_.options = options;
    training_.items = items;
    training_.slice_items = shape.slice_items;
    training_.users = users;
    pack(entries, users);
    RatingMoments moments;
    for (const auto& [id, chunk] : chunks_) {
      moments.add(facts_of_chunk(ByteView(chunk.by_user).substr(0, kChunkFactsBytes)).moments);
    }
    training_.ratings = moments.count;
    training_.mean = options.biases ? moments.mean : 0;
    make_slices(moments.spread());
  }

  /// Items to begin with.
  void start_from(const Factors& items) {
    for (std::uint32_t s = 0; s < slices_.size(); ++s) {
      const std::size_t n = training_.slice_size(s);
      Factors some{FactorMatrix(n, items.matrix.cols()), {}};
      for (std::size_t row = 0; row < n; ++row) {
        const std::size_t item = s * training_.slice_items + row;
        std::copy_n(items.matrix.row(item), items.matrix.stride(), some.matrix.row(row));
        if (!items.bias.empty()) some.bias.push_back(items.bias[item]);
      }
      slices_[s] = make_slice(training_, s, totals_[s], some, team_);
    }
  }

  const PartsTraining& training() const { return training_; }
  Bytes reports() const {
    Bytes all;
    for (const Bytes& slice : slices_) all += report_of_slice(slice);
    return all;
  }

  Bytes step_users(const Bytes& step) override {
    count(step);
    for (Bytes& slice : slices_) slice = turn_slice(slice, step, team_);
    block_ = block_of(step);
    ItemBlock block;
    block.add(block_);
    if (block.has_changes())
      block.follow(std::move(factors_), pointers_to(directions_), step, team_);
    factors_ = std::move(block);
    directions_.clear();
    UsersStep users(step, factors_, team_);
    // In any order, and then added up in theirs.
    std::map<std::pair<std::uint32_t, std::uint32_t>, Bytes> reports;
    for (auto chunk = chunks_.rbegin(); chunk != chunks_.rend(); ++chunk) {
      WeighedChunk weighed{ChunkByUser(chunk->second.by_user)};
      UsersStep::Result result = users.run(weighed, chunk->second.users, chunk->second.held_out);
      chunk->second.users = std::move(result.users);
      reports[chunk->first] = std::move(result.report);
    }
    PieceSum sum;
    for (const auto& [id, report] : reports) sum.add(report);
    return sum.bytes();
  }

  Bytes step_items(const Bytes& step) override {
    count(step);
    const Bytes block = step_of(step) == Step::kResidual ? block_ : block_of(step);
    std::vector<PieceSum> sums(slices_.size());
    ItemBlock of_step;
    if (step_of(step) != Step::kResidual) of_step.add(block);
    if (of_step.has_directions()) directions_.push_back(of_step);
    const ItemBlock& unpacked = step_of(step) == Step::kResidual ? factors_ : of_step;
    for (std::uint32_t part = 0; part < shape_.parts; ++part) {
      PartSums of_part(unpacked, part, team_);
      for (const auto& [id, chunk] : chunks_) {
        if (id.first == part)
          of_part.add(ChunkByItem(chunk.by_item), ChunkUsers::read(chunk.users));
      }
      const Bytes pieces = of_part.bytes();
      sums_bytes_[step_of(step)] += pieces.size();
      for (std::uint32_t s = 0; s < slices_.size(); ++s) {
        sums[s].add(piece_of_slice(pieces, s));
      }
    }
    sums_ = sums[0].bytes();
    for (std::uint32_t s = 0; s < slices_.size(); ++s) {
      slices_[s] = step_slice(slices_[s], step, sums[s].bytes(), team_);
    }
    block_ = block;
    return reports();
  }

  Factors users() const {
    Factors all{FactorMatrix(training_.users, static_cast<std::size_t>(training_.options.factors)),
                std::vector<float>(training_.options.biases ? training_.users : 0)};
    for (const auto& [id, chunk] : chunks_) {
      const Factors some = factors_of_users(chunk.users);
      for (std::size_t row = 0; row < some.matrix.rows(); ++row) {
        const std::uint32_t user = chunk.first + static_cast<std::uint32_t>(row) * shape_.parts;
        std::copy_n(some.matrix.row(row), some.matrix.cols(), all.matrix.row(user));
        if (!all.bias.empty()) all.bias[user] = some.bias[row];
      }
    }
    return all;
  }

  Factors items() const {
    Factors all{FactorMatrix(0, static_cast<std::size_t>(training_.options.factors)), {}};
    for (const Bytes& slice : slices_) {
      const Factors some = SliceState::read(slice).factors;
      for (std::size_t row = 0; row < some.matrix.rows(); ++row) {
        all.matrix.append_row(some.matrix.row(row));
      }
      all.bias.insert(all.bias.end(), some.bias.begin(), some.bias.end());
    }
    return all;
  }

  std::size_t steps(Step kind) const {
    const auto found = steps_.find(kind);
    return found == steps_.end() ? 0 : found->second;
  }
  /// Of all sums that parts sent in such steps.
  std::size_t sums_bytes(Step kind) const { return sums_bytes_.at(kind); }

  struct Chunk {
    std::uint32_t first;  ///< its first user
    Bytes by_user;
    Bytes by_item;
    Bytes held_out;
    Bytes users;
  };
  std::map<std::pair<std::uint32_t, std::uint32_t>, Chunk>& chunks() { return chunks_; }
  std::vector<Bytes>& slices() { return slices_; }
  /// Of the last step, and of its first slice.
  const Bytes& block() const { return block_; }
  const ItemBlock& factors() const { return factors_; }
  /// Of the last half-step of the items.
  const std::vector<ItemBlock>& directions() const { return directions_; }
  const Bytes& last_sums() const { return sums_; }
  const std::vector<Bytes>& totals() const { return totals_; }

 private:
  void pack(const std::vector<Entry>& entries, std::uint32_t users) {
    std::map<std::pair<std::uint32_t, std::uint32_t>, RatingBuffer> buffers;
    for (std::uint32_t user = 0; user < users; ++user) {
      buffers[{user % shape_.parts, user / shape_.parts / shape_.chunk_users}];
    }
    for (const Entry& e : entries) {
      const std::uint32_t place = e.user / shape_.parts;
      buffers[{e.user % shape_.parts, place / shape_.chunk_users}].append(
          place % shape_.chunk_users, e.item, e.value);
    }
    for (auto& [id, buffer] : buffers) {
      const std::uint32_t first = id.first + id.second * shape_.chunk_users * shape_.parts;
      const std::uint32_t left = (users - first - 1) / shape_.parts + 1;
      const std::uint32_t n = std::min(left, shape_.chunk_users);
      ChunkHoldout holdout{};
      if (shape_.holdout != nullptr) {
        holdout.share = shape_.holdout->share;
        holdout.seed = shape_.holdout->seed;
        for (std::uint32_t user = 0; user < n; ++user) {
          holdout.user_keys.push_back(shape_.holdout->user_keys[first + user * shape_.parts]);
        }
        holdout.item_key = [&](std::uint32_t item) { return shape_.holdout->item_keys[item]; };
      }
      PackedChunk chunk = packed(make_chunk({id.first, id.second}, std::move(buffer), identity(n),
                                            training_.items, OnDuplicate::kAverage, team_,
                                            shape_.holdout == nullptr ? nullptr : &holdout));
      chunks_[id] = {
          first, std::move(chunk.by_user), std::move(chunk.by_item), std::move(chunk.held_out), {}};
    }
  }

  void make_slices(double spread) {
    std::vector<PieceSum> sums(training_.slices());
    for (std::uint32_t part = 0; part < shape_.parts; ++part) {
      PartTotals of_part(training_, part);
      for (const auto& [id, chunk] : chunks_) {
        if (id.first == part)
          of_part.add(ChunkByItem(chunk.by_item), keys_of(facts_of_chunk(chunk.by_item).users));
      }
      const Bytes pieces = of_part.bytes();
      for (std::uint32_t s = 0; s < sums.size(); ++s) {
        sums[s].add(piece_of_slice(pieces, s));
      }
    }
    Bytes all;
    for (const PieceSum& sum : sums) {
      totals_.push_back(sum.bytes());
      all += totals_.back();
    }
    training_.zero_loss = zero_loss(all, training_);
    const std::vector<std::uint64_t> keys = keys_of(training_.items);
    for (std::uint32_t s = 0; s < totals_.size(); ++s) {
      const auto first = keys.begin() + s * training_.slice_items;
      slices_.push_back(make_slice(training_, s, totals_[s],
                                   {first, first + training_.slice_size(s)}, spread, team_));
    }
  }

  Bytes block_of(const Bytes& step) {
    Bytes block;
    for (const Bytes& slice : slices_) block += slice_block(slice, step, team_);
    return block;
  }

  void count(const Bytes& step) { ++steps_[step_of(step)]; }

  Shape shape_;
  ThreadTeam& team_;
  PartsTraining training_;
  std::map<std::pair<std::uint32_t, std::uint32_t>, Chunk> chunks_;
  std::vector<Bytes> totals_;
  std::vector<Bytes> slices_;
  Bytes block_;
  ItemBlock factors_;  // of the last half-step of the users
  std::vector<ItemBlock> directions_;
  Bytes sums_;
  std::map<Step, std::size_t> steps_;
  std::map<Step, std::size_t> sums_bytes_;
};

/// The loss after each iteration.
inline std::vector<double> train(PartsInMemory& parts, ThreadTeam& team) {
  PartsTrainer trainer(parts.training(), parts.reports(), parts, team);
  Iterations iterations(parts.training().options, trainer);
  while (!iterations.finished()) iterations.iterate();
  return iterations.loss();
}

}  // namespace als
