// The numbers that a session gives to items while it reads the rows of a source.
#pragma once

#include <memory>

#include "pg/ids/id_dictionary.h"
#include "pg/server/memory_context.h"

namespace als::pg {

/// The items of a training, in the order in which this session has come upon them. They are kept to
/// the end of the transaction, so that of many shards or partitions each is told once.
class SessionItems {
 public:
  /// Those of the training if they are of this type; else none, for a session of a new number.
  static std::shared_ptr<SessionItems> of(std::int64_t training, Oid type, Oid collation);

  SessionItems(std::int64_t training, Oid type, Oid collation);

  std::uint64_t session() const { return session_; }
  const IdType& type() const { return *type_; }
  IdDictionary& ids() { return *ids_; }

  /// How many of them have been told, in how many rows.
  std::uint32_t told = 0;
  int rows_told = 0;

 private:
  std::int64_t training_;
  OwnedMemoryContext context_;
  const IdType* type_;
  std::unique_ptr<IdDictionary> ids_;
  std::uint64_t session_;
};

}  // namespace als::pg
