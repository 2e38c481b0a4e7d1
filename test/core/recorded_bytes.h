// What a training over parts sends about, and what reads it.
#pragma once

#include <algorithm>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/chunks/chunk_rows.h"
#include "core/parts/finished_rows.h"
#include "core/pieces/pieces.h"
#include "parts_in_memory.h"

namespace als {

inline TrainOptions small_options(bool implicit) {
  TrainOptions options;
  options.factors = 5;
  options.iterations = 2;
  options.regularization = options.bias_regularization = 0;
  if (implicit) {
    options.feedback = Feedback::kImplicit;
  } else {
    options.biases = true;
  }
  return options;
}

/// Some bytes, and what reads them.
struct SentBytes {
  std::string name;
  Bytes bytes;
  std::function<void(ByteView)> read;
  bool in_part = false;  ///< some of the bytes are not looked at
};

/// Says the same to every step.
class Answer : public PartsRunner {
 public:
  explicit Answer(ByteView bytes) : bytes_(bytes) {}
  Bytes step_users(const Bytes&) override { return bytes_; }
  Bytes step_items(const Bytes&) override { return bytes_; }

 private:
  Bytes bytes_;
};

/// Keeps what is sent about in each kind of step.
class Recorder : public PartsInMemory {
 public:
  using PartsInMemory::PartsInMemory;

  Recorder(bool implicit, ThreadTeam& team)
      // Fewer users than factors: rows are in doubt.
      : PartsInMemory(random_ratings(4, 9, 0.8, 1), 4, 9, small_options(implicit), {2, 2, 5}, team),
        team_(team),
        first_reports_(reports()) {
    train(*this, team);
  }

  Bytes step_users(const Bytes& step) override {
    const Chunk before = first();
    const Bytes slice = slices()[0];
    const ItemBlock last = factors();
    const std::vector<ItemBlock> along = directions();
    Bytes report = PartsInMemory::step_users(step);
    const bool changed = last.has_factors();
    const std::string name = step_of(step) == Step::kFinish ? "kFinish"
                             : changed                      ? "kUsers again"
                                                            : "kUsers";
    const Bytes block = this->block();
    const auto run = [=](ByteView its_step, ByteView its_block, ByteView chunk, ByteView users) {
      ItemBlock unpacked;
      unpacked.add(its_block);
      if (unpacked.has_changes())
        unpacked.follow(ItemBlock(last), pointers_to(along), its_step, team_);
      WeighedChunk weighed{ChunkByUser(chunk)};
      UsersStep(its_step, unpacked, team_).run(weighed, users);
    };
    keep({name + ": step to slice", step, [=](ByteView b) { turn_slice(slice, b, team_); }});
    keep({name + ": slice", slice, [=](ByteView b) { turn_slice(b, step, team_); }});
    keep({name + ": step to users", step,
          [=](ByteView b) { run(b, block, before.by_user, before.users); }});
    keep(
        {name + ": block", block, [=](ByteView b) { run(step, b, before.by_user, before.users); }});
    keep({name + ": chunk", before.by_user, [=](ByteView b) { run(step, block, b, before.users); },
          true});
    if (!before.users.empty()) {
      keep({name + ": users", before.users,
            [=](ByteView b) { run(step, block, before.by_user, b); }});
    }
    if (name == "kUsers") {
      keep({name + ": report", report, [=](ByteView b) {
              Answer answer(b);
              PartsTrainer(training(), first_reports_, answer, team_).solve_users();
            }});
    }
    return report;
  }

  Bytes step_items(const Bytes& step) override {
    const Bytes slice = slices()[0];
    const Chunk chunk = first();
    Bytes reports = PartsInMemory::step_items(step);
    const char* names[] = {"", "", "kResidual", "kProduct", "kCurvature", "kCompare"};
    const std::string name = names[static_cast<int>(step_of(step))];
    const Bytes block = this->block();
    const Bytes sums = last_sums();
    const auto run = [=](ByteView its_block, ByteView its_chunk, ByteView users) {
      ItemBlock unpacked;
      unpacked.add(its_block);
      PartSums part(unpacked, 0, team_);
      part.add(ChunkByItem(its_chunk), ChunkUsers::read(users));
      part.bytes();
    };
    keep({name + ": slice to block", slice, [=](ByteView b) { slice_block(b, step, team_); }});
    keep({name + ": step to block", step, [=](ByteView b) { slice_block(slice, b, team_); }});
    keep({name + ": slice", slice, [=](ByteView b) { step_slice(b, step, sums, team_); }});
    keep({name + ": step", step, [=](ByteView b) { step_slice(slice, b, sums, team_); }});
    keep({name + ": sums", sums, [=](ByteView b) { step_slice(slice, step, b, team_); }});
    keep({name + ": block", block, [=](ByteView b) { run(b, chunk.by_item, chunk.users); }});
    keep({name + ": chunk", chunk.by_item, [=](ByteView b) { run(block, b, chunk.users); }, true});
    keep({name + ": users", chunk.users, [=](ByteView b) { run(block, chunk.by_item, b); }});
    return reports;
  }

  std::vector<SentBytes> inputs() {
    std::vector<SentBytes> all = kept_;
    const PartsTraining training = this->training();
    const Bytes totals = this->totals()[0];
    const std::vector<std::uint64_t> keys(training.slice_size(0));
    all.push_back({"training", training.bytes(), [](ByteView b) { PartsTraining::read(b); }});
    all.push_back({"totals", totals, [=](ByteView b) {
                     rating_totals(b);
                     make_slice(training, 0, b, keys, 1, team_);
                   }});
    Bytes all_totals;
    for (const Bytes& some : this->totals()) all_totals += some;
    all.push_back({"all totals", all_totals, [=](ByteView b) { zero_loss(b, training); }});
    const std::vector<std::uint64_t> user_keys(facts_of_chunk(first().by_item).users);
    all.push_back({"chunk by item", first().by_item,
                   [=](ByteView b) { PartTotals(training, 0).add(ChunkByItem(b), user_keys); }});
    all.push_back(
        {"chunk by user", first().by_user, [](ByteView b) { rows_by_user(b, facts_of_chunk(b)); }});
    all.push_back({"reports", first_reports_, [=](ByteView b) {
                     Answer answer("");
                     PartsTrainer(training, b, answer, team_);
                   }});
    all.push_back({"users to factors", first().users, [](ByteView b) { factors_of_users(b); }});
    FinishedRows finished;
    finished.factors = factors_of_users(first().users);
    finished.ratings.assign(user_keys.size(), 1);
    finished.checksums = user_keys;
    all.push_back({"finished users", finished.bytes(), [](ByteView b) { FinishedRows::read(b); }});
    finished.popularity.assign(user_keys.size(), 0.5F);
    all.push_back({"finished items", finished.bytes(), [](ByteView b) { FinishedRows::read(b); }});
    all.push_back({"slice to factors", slices()[0], [](ByteView b) {
                     SliceState::read(b);
                     report_of_slice(b);
                   }});
    return all;
  }

 private:
  const Chunk& first() { return chunks().begin()->second; }
  void keep(SentBytes input) {
    const bool known = std::any_of(kept_.begin(), kept_.end(), [&](const SentBytes& other) {
      return other.name == input.name;
    });
    if (!known) kept_.push_back(std::move(input));
  }

  ThreadTeam& team_;
  Bytes first_reports_;
  std::vector<SentBytes> kept_;
};

/// Puts a checksum right that no longer was.
inline void forge_checksum(Bytes& bytes) {
  constexpr std::size_t kSize = 8;
  constexpr std::size_t kChecksum = 16;
  constexpr std::size_t kChecked = 24;
  for (std::size_t begin = 0; begin + kChecked <= bytes.size();) {
    std::uint64_t size = 0;
    std::memcpy(&size, bytes.data() + begin + kSize, sizeof size);
    if (size < kChecked || size > bytes.size() - begin) return;
    const std::uint64_t sum = checksum(ByteView(bytes).substr(begin + kChecked, size - kChecked));
    std::memcpy(bytes.data() + begin + kChecksum, &sum, sizeof sum);
    begin += size;
  }
}

inline std::vector<SentBytes> all_inputs(ThreadTeam& team,
                                         std::vector<std::unique_ptr<Recorder>>& recorders) {
  std::vector<SentBytes> all;
  for (const bool implicit : {false, true}) {
    recorders.push_back(std::make_unique<Recorder>(implicit, team));
    for (SentBytes& input : recorders.back()->inputs()) all.push_back(std::move(input));
  }
  return all;
}

}  // namespace als
