// Reading the ratings of some ids from the source, and merging them as a training does.

#include "pg/history/live_ratings.h"

#include <numeric>

#include "core/data/duplicates.h"
#include "core/data/group_by_user.h"
#include "pg/ids/id_args.h"
#include "pg/model/model_source.h"
#include "pg/server/memory_limit.h"
#include "pg/source/duplicate_error.h"

namespace als::pg {

namespace {

void check_memory(const RatingReader& reader) {
  // The ratings as they come, turned round, and in rows; all of them with their weights.
  constexpr std::size_t kRating = 2 * sizeof(RatingBuffer::Entry) + 5 * sizeof(float);
  check_memory_limit("reading the ratings",
                     reader.ratings() * kRating + reader.users().bytes() + reader.items().bytes(),
                     ", refresh fewer ids at a time, or train the model again.",
                     format("After %zu ratings of the ids asked for.", reader.ratings()));
}

RatingBuffer turned_round(const RatingBuffer& buffer) {
  RatingBuffer turned;
  for (std::size_t b = 0; b < buffer.blocks(); ++b)
    for (std::size_t e = 0; e < buffer.block_size(b); ++e) {
      const RatingBuffer::Entry& entry = buffer.block(b)[e];
      const float weight = buffer.weight(b, e);
      turned.append(&entry.item, &entry.user, &entry.value, 1,
                    buffer.has_weights() ? &weight : nullptr);
    }
  return turned;
}

/// For each id read the number by which the model knows it.
std::vector<std::uint32_t> numbers_of(const IdDictionary& ids, const IdIndex& known,
                                      const char* what) {
  static_assert(kLeftOut == IdIndex::kMissing);
  IdConverter converter =
      converter_or_throw(ids.type().oid, known.type(), what, CurrentMemoryContext);
  std::vector<std::uint32_t> numbers(ids.size());
  server([&] {
    for (std::uint32_t i = 0; i < numbers.size(); ++i)
      numbers[i] = find_converted(known, converter, ids.id(i));
  });
  return numbers;
}

}  // namespace

DescribedSource described_source(ServedModel& served, MemoryContext context) {
  DescribedSource source = describe_source(trusted_source(served.model()), context);
  for (Side side : {Side::kUsers, Side::kItems}) {
    const IdType& there = *source.id_types[side];
    const IdType& here = served.id_type(side);
    if (!server([&] { return is_widened(here.collated(), there.collated()); }))
      throw UserError(
          ERRCODE_DATATYPE_MISMATCH,
          format("%s ids of the source are %s, but those of model %s are %s", side_name(side),
                 server([&] { return type_name(there.collated()); }), served.model().name.c_str(),
                 server([&] { return type_name(here.collated()); })),
          "The source has changed since the training: train the model again.");
  }
  return source;
}

LiveRatings::LiveRatings(ServedModel& served, Side side, const std::vector<Datum>& ids,
                         ThreadTeam& team, Progress* progress)
    : context_("als live ratings"),
      side_(side),
      source_(described_source(served, context_.get())),
      reader_(source_) {
  const Model& model = served.model();
  const LoadedFactors& others = served.side(other_side(side));
  const IdType& type = served.id_type(side);
  const std::string& column = source_.id_col(side);
  const bool one = ids.size() == 1;
  const char* condition =
      server([&] { return equals_condition(type, column.c_str(), one ? "$1" : "any ($1)"); });
  std::int64_t told = 0;
  const auto on_rows = [&] {
    check_memory(reader_);
    if (progress != nullptr) progress->more_rows_read(reader_.rows() - told);
    told = reader_.rows();
  };
  reader_.read(on_rows, condition, server([&] {
                 return one ? Param{type.base, ids.front()} : id_array(type, ids);
               }));
  check_memory(reader_);

  std::vector<std::uint32_t> rows(this->ids().size());
  std::iota(rows.begin(), rows.end(), 0U);
  const std::vector<std::uint32_t> columns =
      numbers_of(reader_.ids(other_side(side)), others.ids(), side_name(other_side(side)));
  RatingBuffer buffer = reader_.take_buffer();
  if (side == Side::kItems) buffer = turned_round(buffer);
  rows_ = group_by_user(std::move(buffer), rows, columns, rows.size(), team);
  try {
    duplicates_ = merge_duplicates(rows_, model.on_duplicate, team);
  } catch (const DuplicateRating& duplicate) {
    BySide<Datum> id;
    id[side] = this->ids().id(duplicate.user);
    id[other_side(side)] = others.ids().id(duplicate.item);
    throw_duplicate_rating(
        served.id_type(Side::kUsers), id.users, served.id_type(Side::kItems), id.items, "",
        format("Model %s was trained with on_duplicate => 'error'.", model.name.c_str()));
  }

  // A row without ratings takes no place but that of its offset.
  has_row_.resize(rows.size());
  for (std::size_t r = 0; r < rows.size(); ++r) {
    has_row_[r] = rows_.row_size(r) > 0;
    if (has_row_[r]) order_.push_back(static_cast<std::uint32_t>(r));
  }
  auto& offsets = rows_.offsets;
  offsets.erase(std::unique(offsets.begin(), offsets.end()), offsets.end());
}

bool LiveRatings::contains(Datum id) const {
  const std::uint32_t index = server([&] { return ids().find(id); });
  return index != IdDictionary::kMissing && has_row_[index];
}

}  // namespace als::pg
