// Streams the rows of a source of features.
#include "pg/features/feature_reader.h"

#include "pg/ids/id_args.h"
#include "pg/ids/key_size.h"
#include "pg/server/memory_limit.h"
#include "pg/sql/array_elements.h"

namespace als::pg {

namespace {

// Of one column. More is a text or a key rather than a feature.
constexpr std::size_t kMaxValues = 1'000'000;

constexpr std::size_t kBytesBetweenChecks = std::size_t{1} << 20;

}  // namespace

FeatureReader::FeatureReader(const DescribedFeatures& source, const IdDictionary& known)
    : source_(source),
      known_(known),
      others_(&known.type()),
      converter_(converter_or_throw(source.id_type.type, known.type(), side_name(source.side),
                                    CurrentMemoryContext)),
      columns_(source.columns.size()) {}

std::string FeatureReader::query() const {
  std::string columns = quoted(source_.id_col);
  for (const FeatureColumn& column : source_.columns) columns += ", " + column.expression;
  return "select " + columns + " from " + source_.from_clause();
}

void FeatureReader::read(const char* condition, const Param& param) {
  SourceNames names(source_);
  LocalSettings settings;  // that decide how numbers become texts
  settings.set("extra_float_digits", "1");
  std::vector<Oid> types{source_.id_type.type};
  for (const FeatureColumn& column : source_.columns) types.push_back(column.read_as);
  auto take = [&](TupleTableSlot* slot) { add(slot->tts_values, slot->tts_isnull); };
  if (condition == nullptr)
    for_each_row(prepare(query()), {}, types, take);
  else
    for_each_row(prepare(query() + " where " + condition, {param.type}), {param}, types, take);
  settings.end();
  names.end();
  KeySizeCheck(others_, side_name(source_.side)).check();
}

/// Runs inside the executor: calls of the server come before objects with destructors.
void FeatureReader::add(const Datum* values, const bool* nulls) {
  if (nulls[0]) return;
  const Datum id =
      converter_.method == IdConverter::kSame ? values[0] : convert_id(&converter_, values[0]);
  std::uint32_t row = known_.find(id);
  if (row == IdDictionary::kMissing)
    row = static_cast<std::uint32_t>(known_.size()) + others_.find_or_add(id);
  if (has_row(row)) {
    const char* shown = id_text(known_.type(), id);
    throw UserError(
        ERRCODE_CARDINALITY_VIOLATION,
        format("%s %s appears twice in %s", side_name(source_.side), shown, source_.what),
        source_.id_col == source_.named_id
            ? format("Give each %s one row: array_agg() makes several values of a "
                     "feature one.",
                     side_name(source_.side))
            : source_.hint_about_ids());
  }
  if (row >= has_row_.size()) has_row_.resize(std::max<std::size_t>(row + 1, has_row_.size() * 2));
  has_row_[row] = true;
  ++rows_;
  count_bytes(sizeof(ColumnValues::Entry));
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    if (nulls[c + 1]) continue;
    const Datum value = values[c + 1];
    if (source_.columns[c].kind == ColumnKind::kNumber) {
      const double number = source_.columns[c].read_as == NUMERICOID
                                ? number_of(source_.columns[c], id, value)
                                : DatumGetFloat8(value);
      if (std::isfinite(number)) columns_[c].numbers.push_back({row, number});
    } else if (source_.columns[c].kind == ColumnKind::kCategory) {
      const struct varlena* text = PG_DETOAST_DATUM_PACKED(value);
      add_value(c, row, VARDATA_ANY(text), VARSIZE_ANY_EXHDR(text));
    } else {
      const ArrayElements elements = array_elements(value);
      for (int i = 0; i < elements.n; ++i) {
        if (elements.nulls[i]) continue;
        const struct varlena* text = PG_DETOAST_DATUM_PACKED(elements.values[i]);
        add_value(c, row, VARDATA_ANY(text), VARSIZE_ANY_EXHDR(text));
      }
    }
  }
}

/// A numeric, in double precision.
double FeatureReader::number_of(const FeatureColumn& column, Datum id, Datum value) const {
  Numeric numeric = DatumGetNumeric(value);
  const double number =
      DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, NumericGetDatum(numeric)));
  if (number == 0 || std::isinf(number)) {
    char* text = numeric_out_sci(numeric, 2);
    if (is_beyond_double(number, text))
      throw UserError(
          ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
          format("column \"%s\" of %s is %s for %s %s, which double precision cannot hold",
                 column.name.c_str(), source_.what, text, side_name(source_.side),
                 id_text(known_.type(), id)),
          kHintAboutRange);
    pfree(text);
  }
  // Of one that is short or compressed, a copy.
  if (PointerGetDatum(numeric) != value) pfree(numeric);
  return number;
}

void FeatureReader::count_bytes(std::size_t more) {
  unchecked_bytes_ += more;
  if (unchecked_bytes_ < kBytesBetweenChecks) return;
  unchecked_bytes_ = 0;
  check_memory_limit(format("reading %s", source_.what).c_str(), memory(),
                     ", or leave columns out of it.",
                     format("After %zu %ss.", rows_, side_name(source_.side)));
}

std::size_t FeatureReader::memory() const {
  std::size_t bytes = others_.bytes() + value_bytes_;
  for (const ColumnValues& column : columns_)
    bytes += column.entries.capacity() * sizeof(ColumnValues::Entry) +
             column.numbers.capacity() * sizeof(ColumnValues::Number) +
             column.values.capacity() * sizeof(std::string);
  return bytes;
}

void FeatureReader::add_value(std::size_t column, std::uint32_t row, const char* text,
                              std::size_t size) {
  ColumnValues& values = columns_[column];
  const auto [place, is_new] = values.numbers_of_values.try_emplace(
      std::string(text, size), static_cast<std::uint32_t>(values.values.size()));
  if (is_new) {
    if (values.values.size() == kMaxValues)
      throw UserError(
          ERRCODE_PROGRAM_LIMIT_EXCEEDED,
          format("column \"%s\" of %s has more than %zu different values",
                 source_.columns[column].name.c_str(), source_.what, kMaxValues),
          format("Leave it out, or give its coarser part, in a query as %s.", source_.what));
    values.values.push_back(place->first);
    const std::size_t bytes = heap_bytes(size) + table_bytes(size);  // there, and in the list
    value_bytes_ += bytes;
    count_bytes(bytes);
  }
  values.entries.push_back({row, place->second});
  count_bytes(sizeof(ColumnValues::Entry));
}

}  // namespace als::pg
