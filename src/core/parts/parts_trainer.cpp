// Finds the basis of each half-step from sums, and adds up the objective.
#include "core/parts/parts_trainer.h"

#include <Eigen/Core>
#include <cmath>
#include <optional>
#include <utility>

#include "core/base/limits.h"
#include "core/linalg/eigenbasis.h"
#include "core/parts/slice_state.h"
#include "core/parts/user_report.h"
#include "core/pieces/step_head.h"
#include "core/train/cg_row.h"
#include "core/train/gram_basis.h"

namespace als {
namespace {

using Matrix = Eigen::MatrixXd;
using Index = Eigen::Index;

/// As kernels.h says.
NormalEquations equations_of(const Matrix& gram) {
  NormalEquations equations(static_cast<std::size_t>(gram.rows()));
  for (Index r = 0; r < gram.rows(); ++r) {
    for (Index c = 0; c <= r; ++c) {
      equations.matrix()[matrix_index(static_cast<std::size_t>(r), static_cast<std::size_t>(c))] =
          static_cast<float>(gram(r, c));
    }
  }
  return equations;
}

std::vector<float> row_by_row(const Matrix& matrix) {
  std::vector<float> values;
  for (Index r = 0; r < matrix.rows(); ++r) {
    for (Index c = 0; c < matrix.cols(); ++c) values.push_back(static_cast<float>(matrix(r, c)));
  }
  return values;
}

/// A turn that follows another one, if there is one.
Matrix after(const Matrix& first, const Matrix& next) {
  return first.size() == 0 ? next : Matrix(first * next);
}

Matrix scaled(Matrix columns, const std::vector<float>& scales) {
  for (Index k = 0; k < columns.cols(); ++k) columns.col(k) *= scales[static_cast<std::size_t>(k)];
  return columns;
}

}  // namespace

/// One of the two sides between two half-steps.
struct Side {
  SideSums sums;  // of the vectors as they are in the present basis
  double bias_ridge = 0;
  double ridge() const { return sums.ridge() + bias_ridge; }
};

struct PartsTrainer::State {
  PartsTraining training;
  PartsRunner& runner;
  ThreadTeam& team;
  Side users;
  Side items;
  /// From the basis in which both sides are stored into the present one, after a half-step of the
  /// items; empty if they are the same.
  Matrix users_turn;
  Matrix items_turn;
  std::uint64_t number = 0;       // of the last step
  std::uint64_t user_number = 0;  // of the last half-step of the users; 0: none yet
  double loss = INFINITY;
  OverRelaxation over_relaxation{false};
  std::size_t refined_rows = 0;
  double holdout_metric = 0;

  std::size_t factors() const { return static_cast<std::size_t>(training.options.factors); }
  bool implicit() const { return training.options.feedback == Feedback::kImplicit; }

  /// What GramBasis::turn() finds, from sums.
  struct Turn {
    Matrix fixed;
    Matrix solved;
    GramBasis basis;
  };
  Turn turn(const Side& fixed, const Side& solved) const;
  StepHead head(Step step) const;
  StepHead head_in_basis(Step step, const Matrix& items, const Matrix& users,
                         const GramBasis& basis) const;
  void check(const UserReport& report, std::uint64_t its_number) const;
  void run_users(const StepHead& head);
  SliceReport run_items(const StepHead& head);
  void record(double fit) { loss = fit + users.ridge() + items.ridge(); }
  SliceReport sum_of(ByteView reports) const;
};

PartsTrainer::State::Turn PartsTrainer::State::turn(const Side& fixed, const Side& solved) const {
  const std::size_t n = factors();
  const std::optional<Eigenbasis> eigenvectors =
      eigenbasis(equations_of(fixed.sums.gram()).matrix(), n, team);
  if (!eigenvectors) throw_ratings_too_large();
  Matrix rotation(static_cast<Index>(n), static_cast<Index>(n));
  for (std::size_t c = 0; c < n; ++c) {
    for (std::size_t r = 0; r < n; ++r) {
      rotation(static_cast<Index>(r), static_cast<Index>(c)) = eigenvectors->component(r, c);
    }
  }
  const GramBasis::Scales scales = GramBasis::balance(fixed.sums.ridges_in(rotation, team),
                                                      solved.sums.ridges_in(rotation, team));
  Turn turn{scaled(rotation, scales.fixed), scaled(rotation, scales.solved), GramBasis(n)};
  turn.basis.note(eigenvectors->eigenvalues, scales, fixed.sums.squares_in(turn.fixed, team),
                  training.ratings);
  return turn;
}

StepHead PartsTrainer::State::head(Step step) const {
  StepHead head{};
  head.training = training;
  head.step = step;
  head.number = head.block = number + 1;
  head.users = user_number;
  head.loss_left = implicit() ? loss / training.zero_loss : INFINITY;
  // No ratings that are positive: nothing to be learnt.
  if (std::isnan(head.loss_left)) head.loss_left = INFINITY;
  return head;
}

StepHead PartsTrainer::State::head_in_basis(Step step, const Matrix& items, const Matrix& users,
                                            const GramBasis& basis) const {
  StepHead in_basis = head(step);
  in_basis.items_turn = row_by_row(items);
  in_basis.users_turn = row_by_row(users);
  in_basis.eigenvalues.assign(basis.eigenvalues(), basis.eigenvalues() + factors());
  in_basis.mean_squares.assign(basis.mean_squares(), basis.mean_squares() + factors());
  return in_basis;
}

/// That it is of all users, after a step.
void PartsTrainer::State::check(const UserReport& report, std::uint64_t its_number) const {
  expect(report.training == key_of(training) && report.number == its_number &&
             report.factors == factors() && report.implicit == implicit(),
         "the report of another step of the training");
  expect(report.users == training.users && report.ratings == training.ratings,
         "the reports of some chunks are missing: there are other users or ratings in them than in "
         "the training");
}

void PartsTrainer::State::run_users(const StepHead& head) {
  const Bytes bytes = runner.step_users(head.bytes());
  ByteView left(bytes);
  const UserReport report = UserReport::read(left);
  check(report, head.number);
  number = user_number = head.number;
  users = {report.sums, report.bias_ridge};
  users_turn.resize(0, 0);
  items_turn.resize(0, 0);
  refined_rows += report.refined_rows;
  const Judgement& judgement = report.judgement;
  const double mean =
      judgement.judged == 0 ? 0 : judgement.sum / static_cast<double>(judgement.judged);
  holdout_metric = implicit() ? mean : std::sqrt(mean);
  record(report.fit);
}

SliceReport PartsTrainer::State::run_items(const StepHead& head) {
  const Bytes bytes = runner.step_items(head.bytes());
  number = head.number;
  return sum_of(bytes);
}

SliceReport PartsTrainer::State::sum_of(ByteView reports) const {
  SliceReport total;
  total.number = number;
  total.sums = SideSums(factors(), implicit());
  for (std::uint32_t slice = 0; slice < training.slices(); ++slice) {
    const SliceReport report = SliceReport::read(reports, training);
    expect(report.slice == slice && report.number == number,
           "the reports of slices are not in order, or of another step of the training");
    total.active += report.active;
    total.doubts += report.doubts;
    total.fit += report.fit;
    total.ridge += report.ridge;
    total.bias_ridge += report.bias_ridge;
    total.refined_rows += report.refined_rows;
    if (report.at_rest()) total.sums.add(report.sums);
  }
  expect(reports.empty(), "there are more reports than slices");
  return total;
}

PartsTrainer::PartsTrainer(const PartsTraining& training, ByteView reports, PartsRunner& runner,
                           ThreadTeam& team, ByteView users)
    : state_(new State{training, runner, team, {}, {}, {}, {}}) {
  const SliceReport report = state_->sum_of(reports);
  expect(report.at_rest(), "a training cannot begin in the middle of a half-step");
  state_->items = {report.sums, report.bias_ridge};
  state_->users.sums = SideSums(state_->factors(), state_->implicit());
  if (users.empty()) return;
  const UserReport first = UserReport::read(users);
  state_->check(first, 0);
  state_->users = {first.sums, first.bias_ridge};
}

PartsTrainer::~PartsTrainer() = default;

double PartsTrainer::solve_users() {
  State& state = *state_;
  const State::Turn turn = state.turn(state.items, state.users);
  StepHead head = state.head_in_basis(Step::kUsers, after(state.items_turn, turn.fixed),
                                      after(state.users_turn, turn.solved), turn.basis);
  head.over_relaxation = state.over_relaxation.next();
  state.items.sums.turn(turn.fixed, state.team);
  state.run_users(head);
  return state.loss;
}

double PartsTrainer::solve_items() {
  State& state = *state_;
  const State::Turn turn = state.turn(state.users, state.items);
  const float over_relaxation = state.over_relaxation.next();
  const auto head = [&](Step step) {
    StepHead in_basis = state.head_in_basis(step, turn.solved, turn.fixed, turn.basis);
    in_basis.over_relaxation = over_relaxation;
    return in_basis;
  };
  StepHead first = head(Step::kResidual);
  first.block = state.user_number;
  SliceReport report = state.run_items(first);
  for (int step = 1; step <= kCgSteps && report.active > 0; ++step) {
    report = state.run_items(head(step < kCgSteps ? Step::kProduct : Step::kCurvature));
  }
  if (report.doubts > 0) report = state.run_items(head(Step::kCompare));
  expect(report.at_rest(), "slices did not come to the end of a half-step");
  state.items = {report.sums, report.bias_ridge};
  state.items.sums.turn(turn.solved, state.team);
  state.items_turn = turn.solved;
  state.users_turn = turn.fixed;
  state.users.sums.turn(turn.fixed, state.team);
  state.refined_rows += report.refined_rows;
  state.record(report.fit);
  return state.loss;
}

double PartsTrainer::finish() {
  State& state = *state_;
  StepHead head = state.head(Step::kFinish);
  const auto n = static_cast<Index>(state.factors());
  const Matrix same = Matrix::Identity(n, n);
  head.items_turn = row_by_row(after(state.items_turn, same));
  head.users_turn = row_by_row(after(state.users_turn, same));
  if (state.implicit()) head.gram = row_by_row(state.items.sums.gram());
  state.run_users(head);
  return state.loss;
}

double PartsTrainer::holdout_metric() const { return state_->holdout_metric; }

std::size_t PartsTrainer::refined_rows() const { return state_->refined_rows; }

}  // namespace als
