// Adds up what chunks report.
#include "core/parts/user_report.h"

#include <cmath>

namespace als {

Bytes UserReport::bytes() const {
  PieceWriter writer(Piece::kUserReport, std::size_t{factors} * (factors + 1) * 12 + 128);
  writer.put(training);
  writer.put(number);
  for (const ChunkId chunk : {first, last}) {
    writer.put(chunk.part);
    writer.put(chunk.number);
  }
  writer.put(users);
  writer.put(ratings);
  writer.put(fit);
  writer.put(ridge);
  writer.put(bias_ridge);
  writer.put(refined_rows);
  writer.put(judgement.judged);
  writer.put(judgement.sum);
  writer.put(factors);
  writer.put(static_cast<std::uint8_t>(implicit ? 1 : 0));
  sums.put(writer);
  return writer.take();
}

UserReport UserReport::read(ByteView& pieces) {
  PieceReader reader(pieces, Piece::kUserReport);
  UserReport report;
  report.training = reader.get<std::uint64_t>();
  report.number = reader.get<std::uint64_t>();
  for (ChunkId* chunk : {&report.first, &report.last}) {
    chunk->part = reader.get<std::uint32_t>();
    chunk->number = reader.get<std::uint32_t>();
  }
  report.users = reader.get<std::uint64_t>();
  report.ratings = reader.get<std::uint64_t>();
  report.fit = reader.get<double>();
  report.ridge = reader.get<double>();
  report.bias_ridge = reader.get<double>();
  report.refined_rows = reader.get<std::uint64_t>();
  report.judgement.judged = reader.get<std::uint64_t>();
  report.judgement.sum = reader.get<double>();
  report.factors = reader.get<std::uint32_t>();
  report.implicit = reader.get<std::uint8_t>() != 0;
  expect(report.factors >= 1 && report.factors <= kMaxFactors && std::isfinite(report.fit) &&
             std::isfinite(report.ridge) && std::isfinite(report.bias_ridge) &&
             std::isfinite(report.judgement.sum) && !(report.last < report.first),
         "the report of a chunk is out of range");
  report.sums = SideSums::read(reader, report.factors, report.implicit);
  reader.end();
  return report;
}

void UserReport::add(const UserReport& other) {
  expect(other.training == training && other.number == number && other.factors == factors &&
             other.implicit == implicit,
         "reports of two different steps cannot be added up");
  expect(last < other.first,
         "reports of chunks must be added up in the order of parts and numbers, each once");
  last = other.last;
  users += other.users;
  ratings += other.ratings;
  fit += other.fit;
  ridge += other.ridge;
  bias_ridge += other.bias_ridge;
  refined_rows += other.refined_rows;
  judgement.judged += other.judgement.judged;
  judgement.sum += other.judgement.sum;
  sums.add(other.sums);
}

}  // namespace als
