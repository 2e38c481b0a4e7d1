// libFuzzer: any ratings into rows of both sides, with duplicates and with some kept out, and a
// training of them.
#include <fuzzer/FuzzedDataProvider.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <stdexcept>
#include <utility>
#include <vector>

#include "../core/small_problem.h"
#include "check.h"
#include "core/base/thread_team.h"
#include "core/chunks/chunk.h"
#include "core/chunks/chunk_rows.h"
#include "core/data/ratings.h"
#include "core/train/trainer.h"

namespace {

using Pair = std::pair<std::uint32_t, std::uint32_t>;

/// What is in rows, by the definition of a matrix in compressed rows.
std::map<Pair, float> cells_of(const als::CompressedRows& rows, std::size_t columns) {
  std::map<Pair, float> cells;
  check(rows.columns.size() == rows.values.size());
  for (std::uint32_t row = 0; row < rows.rows(); ++row) {
    for (std::uint64_t e = rows.offsets[row]; e < rows.offsets[row + 1]; ++e) {
      check(rows.columns[e] < columns);
      check(e == rows.offsets[row] || rows.columns[e - 1] < rows.columns[e]);
      cells[{row, rows.columns[e]}] = rows.values[e];
    }
  }
  return cells;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static als::ThreadTeam team(1);
  FuzzedDataProvider from(data, size);
  const auto users = from.ConsumeIntegralInRange<std::uint32_t>(1, 40);
  const auto items = from.ConsumeIntegralInRange<std::uint32_t>(1, 40);
  const auto on_duplicate = static_cast<als::OnDuplicate>(from.ConsumeIntegralInRange<int>(0, 2));
  const bool large = from.ConsumeBool();
  als::HoldoutRule rule{from.ConsumeBool() ? from.ConsumeProbability<double>() : 0,
                        from.ConsumeIntegral<std::uint64_t>(), als::keys_of(users),
                        als::keys_of(items)};
  als::TrainOptions options;
  options.factors = from.ConsumeIntegralInRange<int>(1, 20);
  options.iterations = 2;
  options.feedback = from.ConsumeBool() ? als::Feedback::kImplicit : als::Feedback::kExplicit;
  options.biases = options.feedback == als::Feedback::kExplicit && from.ConsumeBool();
  options.solver = from.ConsumeBool() ? als::Solver::kDirect : als::Solver::kConjugateGradients;
  options.regularization = options.bias_regularization =
      from.PickValueInArray({0.0, 1e-6, 0.1, 1.2, 1e6});

  als::RatingBuffer buffer;
  als::RatingBuffer again;
  std::map<Pair, std::vector<float>> given;
  while (from.remaining_bytes() > 0) {
    const auto user = from.ConsumeIntegralInRange<std::uint32_t>(0, users - 1);
    const auto item = from.ConsumeIntegralInRange<std::uint32_t>(0, items - 1);
    const float value = large ? from.ConsumeFloatingPoint<float>()
                              : static_cast<float>(from.ConsumeIntegral<std::int8_t>()) / 4;
    if (!std::isfinite(value)) continue;
    given[{user, item}].push_back(value);
    buffer.append(user, item, value);
    again.append(user, item, value);
  }
  try {
    const als::Ratings ratings(std::move(buffer), als::identity(users), als::identity(items),
                               on_duplicate, team, &rule);
    std::map<Pair, float> cells = cells_of(ratings.by_user(), items);
    check(ratings.by_user().rows() == users && ratings.by_item().rows() == items);
    // The other side is its transpose.
    const std::map<Pair, float> transposed = cells_of(ratings.by_item(), users);
    check(transposed.size() == cells.size());
    for (const auto& [cell, value] : transposed) {
      const auto found = cells.find({cell.second, cell.first});
      check(found != cells.end() && found->second == value);
    }
    // With what is kept out it is what came.
    if (rule.share > 0) {
      for (const auto& [cell, value] : cells_of(ratings.held_out(), items))
        check(cells.emplace(cell, value).second);
    }
    check(cells.size() == given.size());
    std::size_t merged = 0;
    for (const auto& [cell, values] : given) {
      merged += values.size() - 1;
      if (values.size() == 1) check(cells.at(cell) == values[0]);
    }
    check(ratings.duplicates() == merged &&
          (merged == 0 || on_duplicate != als::OnDuplicate::kError));

    // Packed as a chunk they are the same.
    const als::PackedChunk chunk = als::packed(
        als::make_chunk({0, 0}, std::move(again), als::identity(users), items, on_duplicate, team));
    const auto packed =
        cells_of(als::rows_by_user(chunk.by_user, als::facts_of_chunk(chunk.by_user)), items);
    check(packed == cells && chunk.duplicates == merged);

    if (large || ratings.size() == 0) return 0;
    als::Trainer trainer(ratings, options, als::keys_of(items), team);
    // It rises by rounding alone: see Trainer. Where all factors are zero it is this at most.
    double zero = 0;
    for (const auto& [cell, value] : transposed) zero += 1 + std::fabs(value) + std::pow(value, 2);
    double before = std::numeric_limits<double>::infinity();
    for (int i = 0; i < options.iterations; ++i) {
      trainer.solve_users();
      const double loss = trainer.solve_items();
      check(std::isfinite(loss) && loss <= before + 5e-6 * zero);
      before = loss;
    }
  } catch (const als::DuplicateRating&) {
    check(on_duplicate == als::OnDuplicate::kError);
  } catch (const std::range_error&) {
    check(on_duplicate == als::OnDuplicate::kSum);
  }
  return 0;
}
