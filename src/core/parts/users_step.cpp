// The engine's half-step over the users of a chunk.
#include "core/parts/users_step.h"

#include <numeric>
#include <utility>
#include <vector>

#include "core/linalg/products.h"
#include "core/parts/block_contents.h"
#include "core/parts/chunk_rows.h"
#include "core/parts/user_report.h"
#include "core/parts/users_bytes.h"
#include "core/pieces/step_head.h"
#include "core/train/half_step.h"
#include "core/train/initial_factors.h"

namespace als {
namespace {

constexpr std::size_t kJudgedRows = 1024;  // in a block of work

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
  Factors start_of(const ChunkFacts& facts, ByteView users) const;
  UserReport report_on(const ChunkFacts& facts, const HalfStep& step, const CompressedRows& rows,
                       const HalfStep::Result& result, const Factors& users);
  void judge(const ChunkFacts& chunk, ByteView held_out, const Factors& users,
             UserReport& report) const;
};

UsersStep::UsersStep(ByteView step, const ItemBlock& block, ThreadTeam& team)
    : work_(new Work(step, block, team)) {
  const StepHead& head = work_->head;
  expect(head.step == Step::kUsers || head.step == Step::kFinish, "not a step of the users");
  expect(work_->block.is_whole() && work_->block.kind == BlockKind::kFactors,
         "a half-step of the users needs a block of all items");
  expect(work_->block.key == key_of(head.training) && work_->block.number == head.block,
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

/// Where users start: as they were, in the basis of the step.
Factors UsersStep::Work::start_of(const ChunkFacts& facts, ByteView users) const {
  if (head.users == 0) return zero_factors(facts.users, head.training.options, team);
  ChunkUsers known = ChunkUsers::read(users);
  known.check(facts, head.training, head.users);
  transform(known.factors.matrix, turn, team);
  return std::move(known.factors);
}

UserReport UsersStep::Work::report_on(const ChunkFacts& facts, const HalfStep& step,
                                      const CompressedRows& rows, const HalfStep::Result& result,
                                      const Factors& users) {
  const TrainOptions& options = head.training.options;
  UserReport report;
  report.training = block.key;
  report.number = head.number;
  report.first = report.last = facts.id;
  report.users = facts.users;
  report.ratings = facts.moments.count;
  report.fit = result.fit;
  report.ridge = result.ridge;
  for (std::size_t row = 0; row < users.bias.size(); ++row) {
    report.bias_ridge +=
        step.bias_ridges()[row] * static_cast<double>(users.bias[row]) * users.bias[row];
  }
  report.refined_rows = result.refined_rows;
  report.factors = static_cast<std::uint32_t>(options.factors);
  report.implicit = options.feedback == Feedback::kImplicit;
  report.sums = SideSums(head.factors(), report.implicit);
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

/// What the users that have been solved make of the ratings that they were not told.
void UsersStep::Work::judge(const ChunkFacts& chunk, ByteView held_out, const Factors& users,
                            UserReport& report) const {
  const ChunkFacts facts = facts_of_chunk(held_out);
  expect(facts.id.part == chunk.id.part && facts.id.number == chunk.id.number &&
             facts.users == chunk.users && facts.items == chunk.items,
         "the ratings kept out are of another chunk");
  const CompressedRows rows = rows_by_user(held_out, facts);
  const RowObjective objective(head.training.options, head.training.mean, facts.items);
  expect(!objective.implicit(), "ratings kept out have errors for explicit feedback alone");
  const RowPasses passes(rows, objective);
  std::vector<double> squares(rows.rows());
  team.for_each_block(rows.rows(), kJudgedRows, [&](std::size_t begin, std::size_t end, int) {
    std::vector<float> x(head.training.options.unknowns());
    for (std::size_t row = begin; row < end; ++row) {
      read_row(users, row, x);
      squares[row] = passes.fit(
          rows.offsets[row], rows.offsets[row + 1], block.vectors, x.data(),
          [](const float* a, const float* b, std::size_t n) { return dot_in_double(a, b, n); });
    }
  });
  report.held_out = facts.moments.count;
  report.held_out_squares = std::accumulate(squares.begin(), squares.end(), 0.0);
}

UsersStep::Result UsersStep::run(ByteView chunk, ByteView users, ByteView held_out) {
  Work& work = *work_;
  const PartsTraining& training = work.head.training;
  const ChunkFacts facts = facts_of_chunk(chunk);
  expect(facts.items == training.items, "a chunk of another training");
  const CompressedRows rows = rows_by_user(chunk, facts);
  check_fits(facts.users, training.options);
  ChunkUsers result{work.block.key, work.head.number, facts.id, work.start_of(facts, users)};

  const HalfStep step(rows, training.items, training.options, training.mean, work.team);
  // As if the loss were spread evenly.
  work.workspace.loss = work.head.loss_left * step.zero_loss();
  const HalfStep::Result sums =
      work.finishes()
          ? step.solve_with_gram(work.block.vectors, work.workspace, work.team, result.factors)
          : step.cg_step_in_basis(work.block.vectors, work.workspace, work.team, result.factors);
  UserReport report = work.report_on(facts, step, rows, sums, result.factors);
  if (!held_out.empty()) work.judge(facts, held_out, result.factors, report);
  return {result.bytes(), report.bytes()};
}

}  // namespace als
