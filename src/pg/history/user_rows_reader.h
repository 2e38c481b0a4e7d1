// The rows of a source by user: what als.evaluate evaluates by.
#pragma once

#include "core/base/thread_team.h"
#include "core/data/compressed_rows.h"
#include "pg/cache/loaded_factors.h"
#include "pg/source/rating_reader.h"

namespace als::pg {

/// So many users are asked for by their ids, which an index may find; more of them by reading all
/// rows of a source.
inline constexpr std::size_t kFewUsers = 1000;

/// What becomes of rows with a user who is not in the dictionary, or an item that is not in the
/// model: a user is added and an item gets the number behind the last, or the row is dropped.
enum class UnknownIds { kKeep, kDrop };

/// Looks up columns and types of what an argument names; errors say which argument is meant. Throws
/// what describe_source() throws.
DescribedSource describe_argument(const RatingSource& source, const char* argument,
                                  MemoryContext context);

/// Reads sources whose ids cast to those of a model into rows by user. Users are numbered by a
/// dictionary, as sources may share it; items as in the model.
class UserRowsReader {
 public:
  /// Within an SPI connection. `users` has the type of the model's user ids.
  UserRowsReader(const LoadedFactors& items, IdDictionary& users, ThreadTeam& team)
      : items_(items), users_(users), team_(team) {}

  /// Reads everything under the active snapshot, as the caller. `argument` is what the source was
  /// given as. on_block(reader) is called now and then; it may throw. Throws what
  /// describe_source() and RatingReader::read() throw, and 42804 for ids that do not cast.
  CompressedRows read(const RatingSource& source, const char* argument, UnknownIds unknown_ids,
                      const std::function<void(const RatingReader&)>& on_block);

  /// The most bytes that the rows take while they are read.
  static std::size_t memory(const RatingReader& reader);

 private:
  const LoadedFactors& items_;
  IdDictionary& users_;
  ThreadTeam& team_;
};

}  // namespace als::pg
