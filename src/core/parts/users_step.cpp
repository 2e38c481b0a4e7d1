// The engine's half-step over the users of a chunk.
#include "core/parts/users_step.h"

#include <numeric>
#include <utility>
#include <vector>

#include "core/chunks/chunk_rows.h"
#include "core/chunks/held_out.h"
#include "core/linalg/products.h"
#include "core/parts/block_contents.h"
#include "core/parts/user_report.h"
#include "core/parts/users_bytes.h"
#include "core/pieces/step_head.h"
#include "core/train/half_step.h"
#include "core/train/initial_factors.h"

namespace als {
namespace {

/// What users say of themselves after a step; of the objective only what the biases have.
UserReport report_on(const PartsTraining& training, std::uint64_t number, const ChunkFacts& facts,
                     const CompressedRows& rows, const HalfStep& step, const Factors& users,
                     TrainingWorkspace& workspace) {
  const TrainOptions& options = training.options;
  UserReport report;
  report.training = key_of(training);
  report.number = number;
  report.first = report.last = facts.id;
  report.users = facts.users;
  report.ratings = facts.moments.count;
  for (std::size_t row = 0; row < users.bias.size(); ++row) {
    report.bias_ridge +=
        step.bias_ridges()[row] * static_cast<double>(users.bias[row]) * users.bias[row];
  }
  report.factors = static_cast<std::uint32_t>(options.factors);
  report.implicit = options.feedback == Feedback::kImplicit;
  report.sums = SideSums(report.factors, report.implicit);
  report.sums.add(
      users.matrix.view(),
      [&](std::uint64_t row) { return static_cast<float>(rows.row_size(row)); },
      [&](std::uint64_t row) { return step.ridges()[row]; },
      [&](int thread) -> TermAccumulator& {
        return workspace.workers[static_cast<std::size_t>(thread)].terms;
      },
      workspace.segmented_sum, options.unknowns());
  return report;
}

}  // namespace

struct UsersStep::Work {
  StepHead head;
  const ItemBlock::Contents& block;
  ThreadTeam& team;
  AlignedVector<float> turn;
  TrainingWorkspace workspace;

  Work(ByteView step, const ItemBlock& its_block, ThreadTeam& its_team)
      : head(StepHead::read(step)),
        block(its_block.contents()),
        team(its_team),
        turn(transform_of(head.users_turn, head.factors())),
        workspace(head.training.options, team, 0) {}

  bool finishes() const { return head.step == Step::kFinish; }
  Factors start_of(const ChunkFacts& facts, std::optional<ChunkUsers> users) const;
  void judge(const ChunkFacts& chunk, ByteView bytes, const CompressedRows& seen,
             const Factors& users, UserReport& report) const;
};

UsersStep::UsersStep(ByteView step, const ItemBlock& block, ThreadTeam& team)
    : work_(new Work(step, block, team)) {
  const StepHead& head = work_->head;
  expect(head.step == Step::kUsers || head.step == Step::kFinish, "not a step of the users");
  expect(block.has_factors(), "a half-step of the users needs a block of all items");
  expect(work_->block.training == head.training && work_->block.number == head.block,
         "a block of another step of the training");
  TrainingWorkspace& workspace = work_->workspace;
  const std::size_t n = head.factors();
  if (work_->finishes()) {
    if (head.gram.empty()) return;
    for (std::size_t r = 0; r < n; ++r) {
      for (std::size_t c = 0; c <= r; ++c) {
        workspace.gram.matrix()[matrix_index(r, c)] = head.gram[r * n + c];
      }
    }
  } else {
    workspace.basis.note(head.eigenvalues, head.mean_squares);
    for (std::size_t k = 0; k < n; ++k) {
      workspace.gram.matrix()[matrix_index(k, k)] = head.eigenvalues[k];
    }
  }
}

UsersStep::~UsersStep() = default;

bool UsersStep::is_last() const { return work_->finishes(); }

/// Where users start: as they were, in the basis of the step.
Factors UsersStep::Work::start_of(const ChunkFacts& facts, std::optional<ChunkUsers> users) const {
  if (!users) {
    expect(head.users == 0, "users of another step of the training");
    return zero_factors(facts.users, head.training.options, team);
  }
  users->check(facts, head.training, head.users);
  transform(users->factors.matrix, turn, team);
  return std::move(users->factors);
}

/// What the users that have been solved make of the ratings that they were not told.
void UsersStep::Work::judge(const ChunkFacts& chunk, ByteView bytes, const CompressedRows& seen,
                            const Factors& users, UserReport& report) const {
  const PartsTraining& training = head.training;
  const HeldOut held_out = HeldOut::read(bytes);
  const ChunkFacts& facts = held_out.facts;
  expect(facts.id == chunk.id && facts.users == chunk.users && facts.items == chunk.items,
         "the ratings kept out are of another chunk");
  const RowObjective objective(training.options, training.mean, facts.items);
  report.judgement = objective.implicit()
                         ? judge_rankings(held_out, seen, training.greatest_judged_hash, users,
                                          block.vectors, team)
                         : judge_ratings(held_out, objective, users, block.vectors, team);
}

UsersStep::Result UsersStep::run(WeighedChunk& chunk, ByteView users, ByteView held_out) {
  std::optional<ChunkUsers> known;
  if (!users.empty()) known = ChunkUsers::read(users);
  const Stepped stepped = run(chunk, std::move(known), held_out);
  return {stepped.users.bytes(), stepped.report};
}

UsersStep::Stepped UsersStep::run(WeighedChunk& chunk, std::optional<ChunkUsers> users,
                                  ByteView held_out) {
  Work& work = *work_;
  const PartsTraining& training = work.head.training;
  const ChunkFacts& facts = chunk.facts;
  const CompressedRows& rows = chunk.rows;
  const HalfStep& step = chunk.half_step(training, work.team);
  check_fits(facts.users, training.options);
  ChunkUsers result{key_of(work.block.training), work.head.number, facts.id,
                    work.start_of(facts, std::move(users))};

  // As if the loss were spread evenly.
  work.workspace.over_relaxation = work.head.over_relaxation;
  work.workspace.loss = work.head.loss_left * step.zero_loss();
  const HalfStep::Result sums =
      work.finishes()
          ? step.solve_with_gram(work.block.vectors, work.workspace, work.team, result.factors)
          : step.cg_step_in_basis(work.block.vectors, work.workspace, work.team, result.factors);
  UserReport report =
      report_on(training, work.head.number, facts, rows, step, result.factors, work.workspace);
  report.fit = sums.fit;
  report.ridge = sums.ridge;
  report.refined_rows = sums.refined_rows;
  if (!held_out.empty()) work.judge(facts, held_out, rows, result.factors, report);
  return {std::move(result), report.bytes()};
}

UsersStep::Result first_users(const PartsTraining& training, WeighedChunk& chunk, Factors users,
                              ThreadTeam& team) {
  const ChunkFacts& facts = chunk.facts;
  const HalfStep& step = chunk.half_step(training, team);
  expect(users.matrix.rows() == facts.users &&
             users.matrix.cols() == static_cast<std::size_t>(training.options.factors) &&
             users.bias.size() == (training.options.biases ? users.matrix.rows() : 0),
         "a chunk and its first users are of different numbers");
  TrainingWorkspace workspace(training.options, team, 0);
  const ChunkUsers result{key_of(training), 0, facts.id, std::move(users)};
  return {result.bytes(),
          report_on(training, 0, facts, chunk.rows, step, result.factors, workspace).bytes()};
}

}  // namespace als
