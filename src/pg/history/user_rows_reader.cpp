// Reads a source, and gives its users and items their numbers.

#include "pg/history/user_rows_reader.h"

#include "core/data/group_by_user.h"
#include "pg/history/live_ratings.h"
#include "pg/ids/id_args.h"

namespace als::pg {

namespace {

/// For each id of a dictionary what number(id) gives for it as an id of the model's type, or
/// `beyond` where it cannot be one. number() may raise server errors, and throw.
template <class Number>
std::vector<std::uint32_t> numbers_of(const IdDictionary& ids, const IdType& model_type,
                                      const char* what, std::uint32_t beyond,
                                      const Number& number) {
  static_assert(kLeftOut == IdDictionary::kMissing);
  constexpr std::uint32_t kPollIds = 1 << 16;
  OwnedMemoryContext context("als ids of a source");
  IdConverter converter = converter_or_throw(ids.type().oid, model_type, what, context.get());
  std::vector<std::uint32_t> numbers(ids.size());
  server([&] {
    MemoryContext scratch = AllocSetContextCreate(context.get(), "als id", ALLOCSET_SMALL_SIZES);
    MemoryContext old = MemoryContextSwitchTo(scratch);
    for (std::uint32_t i = 0; i < numbers.size(); ++i) {
      if (i % kPollIds == 0) CHECK_FOR_INTERRUPTS();
      const std::optional<Datum> id = find_id(&converter, ids.id(i));
      guard([&] { numbers[i] = id ? number(*id) : beyond; });
      MemoryContextReset(scratch);
    }
    MemoryContextSwitchTo(old);
  });
  return numbers;
}

/// The model's collation decides which ids are one, whatever that of the source's column is.
/// Server calls.
void take_collation(const IdType*& ids, const IdType& model_type, const char* what) {
  const bool both = OidIsValid(ids->collation) && OidIsValid(model_type.collation);
  if (both && !hold_same_equal(ids->collation, model_type.collation))
    ids = describe_id_type(ids->oid, model_type.collation, what);
}

}  // namespace

DescribedSource describe_argument(const RatingSource& source, const char* argument,
                                  MemoryContext context) {
  try {
    return describe_source(source, context);
  } catch (UserError& error) {
    error.message = format("%s: %s", argument, error.message.c_str());
    if (error.sqlstate == ERRCODE_UNDEFINED_COLUMN)
      error.hint =
          "Name the right ones with user_col, item_col and rating_col, which are the model's "
          "unless told "
          "otherwise; a query can add a rating: 'select *, 1 as rating from ...'.";
    throw;
  }
}

std::size_t UserRowsReader::memory(const RatingReader& reader) {
  // The entries, and what they become; ids, and their numbers; the rows' offsets, twice.
  constexpr std::size_t kEntry =
      sizeof(RatingBuffer::Entry) + sizeof(std::uint32_t) + sizeof(float);
  const std::size_t users = reader.users().size();
  return reader.ratings() * (kEntry + (reader.has_weights() ? 2 * sizeof(float) : 0)) +
         reader.users().bytes() + reader.items().bytes() +
         (users + reader.items().size()) * sizeof(std::uint32_t) +
         2 * users * sizeof(std::uint64_t);
}

CompressedRows UserRowsReader::read(const RatingSource& named, const char* argument,
                                    UnknownIds unknown_ids,
                                    const std::function<void(const RatingReader&)>& on_block) {
  OwnedMemoryContext types("als types of a source");
  DescribedSource source = describe_argument(named, argument, types.get());
  server([&] {
    MemoryContext old = MemoryContextSwitchTo(types.get());
    take_collation(source.id_types.users, users_.type(), "user ids");
    take_collation(source.id_types.items, items_.type(), "item ids");
    MemoryContextSwitchTo(old);
  });
  RatingReader reader(source);
  const bool keep = unknown_ids == UnknownIds::kKeep;
  const auto on_rows = [&] { on_block(reader); };
  const IdType& users_type = *source.id_types.users;
  if (!keep && users_.size() <= kFewUsers && users_type.oid == users_.type().oid) {
    std::vector<Datum> asked;
    for (std::uint32_t user = 0; user < users_.size(); ++user) asked.push_back(users_.id(user));
    const char* condition =
        server([&] { return equals_condition(users_type, source.user_col.c_str(), "any ($1)"); });
    reader.read(on_rows, condition, server([&] { return id_array(users_type, asked); }));
  } else {
    reader.read(on_rows);
  }
  on_rows();

  const std::vector<std::uint32_t> users =
      numbers_of(reader.users(), users_.type(), "user", kLeftOut,
                 [&](Datum id) { return keep ? users_.find_or_add(id) : users_.find(id); });
  const auto unknown = keep ? static_cast<std::uint32_t>(items_.size()) : kLeftOut;
  const std::vector<std::uint32_t> items =
      numbers_of(reader.items(), items_.type(), "item", unknown, [&](Datum id) {
        const std::uint32_t item = items_.ids().find(id);
        return item == IdIndex::kMissing ? unknown : item;
      });
  return group_by_user(reader.take_buffer(), users, items, users_.size(), team_);
}

}  // namespace als::pg
