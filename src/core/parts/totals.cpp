// Counts a part's ratings by item.
#include "core/parts/totals.h"

#include <algorithm>
#include <cmath>

#include "core/chunks/chunk_rows.h"
#include "core/data/row_checksum.h"
#include "core/parts/part_sums.h"
#include "core/train/row_objective.h"

namespace als {

Bytes SliceTotals::bytes() const {
  PieceWriter writer(Piece::kTotals, ratings.size() * kItemBytes + 16, slice);
  writer.put(first_part);
  writer.put(last_part);
  writer.put(static_cast<std::uint32_t>(ratings.size()));
  for (const RatingTotals& item : ratings) {
    writer.put(static_cast<std::uint32_t>(item.n));
    writer.put(static_cast<std::uint32_t>(item.positive));
    writer.put(item.sum);
    writer.put(item.squares);
  }
  writer.put(weights);
  writer.put(losses);
  writer.put(checksums);
  return writer.take();
}

SliceTotals SliceTotals::read(ByteView& pieces) {
  PieceReader reader(pieces, Piece::kTotals);
  SliceTotals totals{};
  totals.slice = reader.slice();
  totals.first_part = reader.get<std::uint32_t>();
  totals.last_part = reader.get<std::uint32_t>();
  const std::size_t n = reader.get<std::uint32_t>();
  expect(n == reader.left() / kItemBytes && totals.first_part <= totals.last_part,
         "the totals of a slice are out of range");
  totals.ratings.resize(n);
  for (RatingTotals& item : totals.ratings) {
    item.n = reader.get<std::uint32_t>();
    item.weight = static_cast<double>(item.n);
    item.positive = reader.get<std::uint32_t>();
    item.sum = reader.get<double>();
    item.squares = reader.get<double>();
    expect(item.positive <= item.n && std::isfinite(item.sum) && std::isfinite(item.squares),
           "the totals of a slice are out of range");
  }
  for (std::vector<double>* values : {&totals.weights, &totals.losses}) {
    values->resize(n);
    reader.get(values->data(), n);
    expect_finite(values->data(), n);
  }
  totals.checksums.resize(n);
  reader.get(totals.checksums.data(), n);
  reader.end();
  return totals;
}

void SliceTotals::add(const SliceTotals& other) {
  expect(other.slice == slice && other.ratings.size() == ratings.size(),
         "totals of two different slices cannot be added up");
  expect(last_part < other.first_part, "sums of parts must be added up in the order of the parts");
  last_part = other.last_part;
  for (std::size_t row = 0; row < ratings.size(); ++row) {
    ratings[row].n += other.ratings[row].n;
    expect(ratings[row].n <= UINT32_MAX, "the totals of a slice are out of range");
    ratings[row].positive += other.ratings[row].positive;
    ratings[row].weight += other.ratings[row].weight;
    ratings[row].sum += other.ratings[row].sum;
    ratings[row].squares += other.ratings[row].squares;
    weights[row] += other.weights[row];
    losses[row] += other.losses[row];
    checksums[row] += other.checksums[row];
  }
}

struct PartTotals::Work {
  PartsTraining training;
  std::uint32_t part;
  std::uint64_t next_chunk = 0;
  RowObjective objective;
  std::vector<RatingTotals> ratings;
  std::vector<double> weights;
  std::vector<double> losses;
  std::vector<std::uint64_t> checksums;
};

PartTotals::PartTotals(const PartsTraining& training, std::uint32_t part)
    : work_(new Work{training, part, 0, RowObjective(training.options, 0, 0),
                     std::vector<RatingTotals>(training.items), std::vector<double>(training.items),
                     std::vector<double>(training.items),
                     std::vector<std::uint64_t>(training.items)}) {}

PartTotals::~PartTotals() = default;

void PartTotals::add(const ChunkByItem& chunk, const std::vector<std::uint64_t>& user_keys) {
  Work& work = *work_;
  const ChunkFacts& facts = chunk.facts;
  check_order(facts, work.part, work.training.items, work.next_chunk);
  const ItemRows& matrix = chunk.matrix;
  expect(user_keys.size() == facts.users, "there must be a key for each user");
  ThreadTeam alone(1);
  const std::vector<std::uint64_t> checksums = row_checksums(matrix.rows, user_keys, alone);
  for (std::size_t row = 0; row < matrix.items.size(); ++row) {
    const RowRatings ratings = ratings_of(matrix.rows, row);
    const std::uint32_t item = matrix.items[row];
    work.checksums[item] += checksums[row];
    work.weights[item] += work.objective.weight(ratings);
    for (std::size_t e = 0; e < ratings.count; ++e) {
      work.ratings[item].add(ratings.values[e]);
      if (work.objective.implicit()) {
        work.losses[item] += work.objective.rhs_weight(ratings.values[e], 1.0, 0.0);
      }
    }
  }
}

Bytes PartTotals::bytes() const {
  const Work& work = *work_;
  Bytes pieces;
  for (std::uint32_t slice = 0; slice < work.training.slices(); ++slice) {
    const auto first = static_cast<std::ptrdiff_t>(std::size_t{slice} * work.training.slice_items);
    const auto last = first + static_cast<std::ptrdiff_t>(work.training.slice_size(slice));
    pieces += SliceTotals{slice,
                          work.part,
                          work.part,
                          {work.ratings.begin() + first, work.ratings.begin() + last},
                          {work.weights.begin() + first, work.weights.begin() + last},
                          {work.losses.begin() + first, work.losses.begin() + last},
                          {work.checksums.begin() + first, work.checksums.begin() + last}}
                  .bytes();
  }
  return pieces;
}

double zero_loss(ByteView totals, const PartsTraining& training) {
  double sum = 0;
  std::uint64_t ratings = 0;
  for (std::uint32_t slice = 0; slice < training.slices(); ++slice) {
    const SliceTotals its_totals = SliceTotals::read(totals);
    expect(its_totals.slice == slice && its_totals.ratings.size() == training.slice_size(slice),
           "the totals of slices are not in order");
    for (const RatingTotals& item : its_totals.ratings) ratings += item.n;
    for (const double loss : its_totals.losses) sum += loss;
  }
  expect(totals.empty(), "there are more totals than slices");
  expect(ratings == training.ratings,
         "the totals of some chunks are missing: there are other ratings in them than in the "
         "training");
  return sum;
}

std::vector<RatingTotals> rating_totals(ByteView totals) {
  return SliceTotals::read(totals).ratings;
}

}  // namespace als
