// Which values become features of their own, and rows as these.
#include "pg/features/feature_dictionary.h"

#include <algorithm>
#include <cmath>

#include "pg/features/number_features.h"
#include "pg/sql/json_value.h"

namespace als::pg {

namespace {

// A value of fewer rows with ratings tells nothing of others: such are taken together.
constexpr std::int64_t kFewestRows = 2;

constexpr std::size_t kRowsBetweenPolls = std::size_t{1} << 16;

constexpr FeatureRole kRoles[] = {FeatureRole::kEvery, FeatureRole::kValue, FeatureRole::kRare,
                                  FeatureRole::kNumber, FeatureRole::kKnot};

std::int64_t count_rows(const std::vector<bool>& is_rated) {
  return std::count(is_rated.begin(), is_rated.end(), true);
}

/// How many rated rows have each of n groups of values, and any: each row once. group(value) is its
/// group, or n for none.
template <class Group>
std::vector<std::int64_t> rows_of(const ColumnValues& column, const std::vector<bool>& is_rated,
                                  std::size_t n, const Group& group) {
  std::vector<std::int64_t> counts(n);
  std::vector<std::uint32_t> last(n, ~std::uint32_t{0});
  for (const ColumnValues::Entry& entry : column.entries) {
    const std::size_t g = group(entry.value);
    if (g == n || !is_rated[entry.row] || last[g] == entry.row) continue;
    last[g] = entry.row;
    ++counts[g];
  }
  return counts;
}

/// What a lexeme is divided by: the greatest idf by its own. So one of the fewest rows counts as a
/// category does, and one of all rows next to nothing. More than a category none should count: the
/// ridge would hardly hold it, and the rarest words would decide.
double lexeme_scale(std::int64_t rows, std::int64_t all) {
  const auto idf = [&](std::int64_t n) {
    return std::log(static_cast<double>(all + 1) / static_cast<double>(std::max(n, kFewestRows)));
  };
  return all < kFewestRows ? 1 : idf(kFewestRows) / idf(rows);
}

void add_values(const FeatureColumn& source, const ColumnValues& column,
                const std::vector<bool>& is_rated, std::vector<Feature>& features) {
  const std::vector<std::int64_t> counts =
      rows_of(column, is_rated, column.values.size(), [](std::uint32_t value) { return value; });
  const std::int64_t rare = rows_of(column, is_rated, 1, [&](std::uint32_t value) {
    return counts[value] < kFewestRows ? 0U : 1U;
  })[0];
  const std::int64_t all = rows_of(column, is_rated, 1, [](std::uint32_t) { return 0U; })[0];
  const auto add = [&](FeatureRole role, const std::string& value, std::int64_t rows) {
    const double scale = source.kind == ColumnKind::kLexemes ? lexeme_scale(rows, all) : 1;
    features.push_back({role, source.name, value, rows, 0, scale});
  };
  std::vector<std::size_t> frequent;
  for (std::size_t v = 0; v < counts.size(); ++v)
    if (counts[v] >= kFewestRows) frequent.push_back(v);
  // An order that depends on the values alone.
  std::sort(frequent.begin(), frequent.end(),
            [&](std::size_t a, std::size_t b) { return column.values[a] < column.values[b]; });
  features.reserve(features.size() + frequent.size() + 1);
  for (const std::size_t v : frequent) add(FeatureRole::kValue, column.values[v], counts[v]);
  if (rare > 0) add(FeatureRole::kRare, "", rare);
}

/// The numbers of rated rows, by the order of these.
std::vector<double> rated_numbers(const ColumnValues& column, const std::vector<bool>& is_rated,
                                  const std::vector<std::uint32_t>& order) {
  std::vector<const ColumnValues::Number*> rated;
  for (const ColumnValues::Number& number : column.numbers)
    if (is_rated[number.row]) rated.push_back(&number);
  std::sort(rated.begin(), rated.end(),
            [&](auto* a, auto* b) { return order[a->row] < order[b->row]; });
  std::vector<double> values;
  values.reserve(rated.size());
  for (const ColumnValues::Number* number : rated) values.push_back(number->value);
  return values;
}

bool has_rated_value(const ColumnValues& column, const std::vector<bool>& is_rated) {
  const auto is_of_rated = [&](const auto& entry) { return is_rated[entry.row]; };
  return std::any_of(column.entries.begin(), column.entries.end(), is_of_rated) ||
         std::any_of(column.numbers.begin(), column.numbers.end(), is_of_rated);
}

void check_has_rated_rows(const FeatureReader& reader, const std::vector<bool>& is_rated) {
  for (std::uint32_t row = 0; row < is_rated.size(); ++row)
    if (is_rated[row] && reader.has_row(row)) return;
  const DescribedFeatures& source = reader.source();
  throw UserError(
      ERRCODE_NO_DATA_FOUND,
      format("%s has no row for any %s with ratings", source.what, side_name(source.side)),
      source.hint_about_ids());
}

}  // namespace

const char* role_name(FeatureRole role, Side side) {
  switch (role) {
    case FeatureRole::kEvery:
      return side == Side::kUsers ? "every user" : "every item";
    case FeatureRole::kValue:
      return "value";
    case FeatureRole::kRare:
      return "rare values";
    case FeatureRole::kNumber:
      return "number";
    default:
      return "knot";
  }
}

std::optional<FeatureRole> role_named(const std::string& name, Side side) {
  for (const FeatureRole role : kRoles)
    if (name == role_name(role, side)) return role;
  return std::nullopt;
}

FeatureDictionary::FeatureDictionary(std::vector<Feature> features)
    : features_(std::move(features)) {
  for (std::uint32_t f = 0; f < features_.size(); ++f) {
    const Feature& feature = features_[f];
    if (feature.role == FeatureRole::kEvery) {
      every_ = f;
      continue;
    }
    Column& column = columns_[feature.column];
    switch (feature.role) {
      case FeatureRole::kValue:
        column.values.emplace(feature.value, f);
        break;
      case FeatureRole::kRare:
        column.rare = f;
        break;
      case FeatureRole::kNumber:
        column.number = f;
        break;
      default:
        column.first_knot = std::min(column.first_knot, f);
        column.knots.push_back(feature.center);
    }
  }
}

FeatureDictionary FeatureDictionary::of(const FeatureReader& reader,
                                        const std::vector<bool>& is_rated,
                                        const std::vector<std::uint32_t>& order) {
  check_has_rated_rows(reader, is_rated);
  std::vector<Feature> features{{FeatureRole::kEvery, "", "", count_rows(is_rated)}};
  for (std::size_t c = 0; c < reader.columns().size(); ++c) {
    const FeatureColumn& source = reader.source().columns[c];
    const ColumnValues& column = reader.columns()[c];
    if (!has_rated_value(column, is_rated)) continue;
    if (source.kind == ColumnKind::kNumber)
      add_number(source, rated_numbers(column, is_rated, order), features);
    else
      add_values(source, column, is_rated, features);
  }
  if (features.size() == 1)
    throw UserError(
        ERRCODE_NULL_VALUE_NOT_ALLOWED,
        format("no column of %s has a value for any %s with ratings", reader.source().what,
               side_name(reader.source().side)),
        format("Name columns that have values, or leave %s out.", reader.source().what));
  return FeatureDictionary(std::move(features));
}

std::vector<std::string> FeatureDictionary::left_out(const DescribedFeatures& source) const {
  std::vector<std::string> names;
  for (const FeatureColumn& column : source.columns)
    if (columns_.find(column.name) == columns_.end()) names.push_back(column.name);
  return names;
}

std::size_t FeatureDictionary::memory() const {
  std::size_t bytes = features_.capacity() * sizeof(Feature);
  for (const Feature& feature : features_)
    if (feature.role == FeatureRole::kValue)
      bytes += heap_bytes(feature.value.size()) + table_bytes(feature.value.size());
  return bytes;
}

FeatureDictionary::Column FeatureDictionary::column_of(const std::string& name) const {
  const auto found = columns_.find(name);
  return found == columns_.end() ? Column{} : found->second;
}

void FeatureDictionary::check_columns(const DescribedFeatures& source,
                                      const std::string& model) const {
  const char* hint = "It has changed since the training: train the model again.";
  for (const auto& [name, known] : columns_) {
    const FeatureColumn* column = source.column(name);
    if (column == nullptr)
      throw UserError(
          ERRCODE_UNDEFINED_COLUMN,
          format("%s of model %s has no column \"%s\"", source.what, model.c_str(), name.c_str()),
          hint);
    if ((column->kind == ColumnKind::kNumber) != (known.number != kNone))
      throw UserError(
          ERRCODE_DATATYPE_MISMATCH,
          format("column \"%s\" of %s of model %s %s", name.c_str(), source.what, model.c_str(),
                 known.number != kNone ? "is no longer a number" : "has become a number"),
          hint);
  }
}

/// Calls cell(row, feature, value) for what the rows have, a row's cells in any order.
template <class Cell>
void FeatureDictionary::visit_cells(const FeatureReader& reader,
                                    const std::vector<std::uint32_t>& place_of, std::size_t rows,
                                    const Cell& cell) const {
  if (every_ != kNone)
    for (std::uint32_t row = 0; row < rows; ++row) cell(row, every_, 1.0F);
  for (std::size_t c = 0; c < reader.columns().size(); ++c) {
    server([] { CHECK_FOR_INTERRUPTS(); });
    const ColumnValues& column = reader.columns()[c];
    const Column known = column_of(reader.source().columns[c].name);
    std::vector<std::uint32_t> feature_of(column.values.size());
    for (std::size_t v = 0; v < feature_of.size(); ++v) {
      const auto found = known.values.find(column.values[v]);
      feature_of[v] = found == known.values.end() ? known.rare : found->second;
    }
    for (const ColumnValues::Entry& entry : column.entries) {
      const std::uint32_t feature = feature_of[entry.value];
      if (place_of[entry.row] != kLeftOut && feature != kNone)
        cell(place_of[entry.row], feature, scaled(1, features_[feature]));
    }
    if (known.number == kNone) continue;
    const Feature& number = features_[known.number];
    for (const ColumnValues::Number& entry : column.numbers) {
      const std::uint32_t row = place_of[entry.row];
      if (row == kLeftOut) continue;
      cell(row, known.number, scaled(entry.value, number));
      if (known.knots.empty()) continue;
      const Hats hats = hats_at(known.knots, entry.value);
      const std::uint32_t knot = known.first_knot + static_cast<std::uint32_t>(hats.first);
      cell(row, knot, static_cast<float>(hats.of_first));
      if (hats.of_next > 0) cell(row, knot + 1, static_cast<float>(hats.of_next));
    }
  }
}

CompressedRows FeatureDictionary::encoded(const FeatureReader& reader,
                                          const std::vector<std::uint32_t>& place_of,
                                          std::size_t rows) const {
  std::vector<std::uint64_t> next(rows + 1, 0);
  visit_cells(reader, place_of, rows,
              [&](std::uint32_t row, std::uint32_t, float) { ++next[row + 1]; });
  for (std::size_t row = 0; row < rows; ++row) next[row + 1] += next[row];
  using Cell = std::pair<std::uint32_t, float>;
  std::vector<Cell> cells(next[rows]);
  visit_cells(reader, place_of, rows, [&](std::uint32_t row, std::uint32_t feature, float value) {
    cells[next[row]++] = {feature, value};
  });
  CompressedRows encoded;
  encoded.offsets.push_back(0);
  auto begin = cells.begin();
  for (std::size_t row = 0; row < rows; ++row) {
    if (row % kRowsBetweenPolls == 0) server([] { CHECK_FOR_INTERRUPTS(); });
    const auto end = cells.begin() + static_cast<std::ptrdiff_t>(next[row]);
    std::sort(begin, end);
    // Several rare values of a row count once, as one value that is given twice does.
    const auto unique =
        std::unique(begin, end, [](const Cell& a, const Cell& b) { return a.first == b.first; });
    for (; begin != unique; ++begin) {
      encoded.columns.push_back(begin->first);
      encoded.values.push_back(begin->second);
    }
    encoded.offsets.push_back(encoded.columns.size());
    begin = end;
  }
  return encoded;
}

std::string FeatureDictionary::report(const FeatureReader& reader,
                                      const std::vector<bool>& is_rated) const {
  std::string columns;
  for (std::size_t c = 0; c < reader.columns().size(); ++c) {
    const FeatureColumn& source = reader.source().columns[c];
    const ColumnValues& column = reader.columns()[c];
    const Column known = column_of(source.name);
    std::vector<bool> has_value(is_rated.size());
    for (const ColumnValues::Entry& entry : column.entries) has_value[entry.row] = true;
    for (const ColumnValues::Number& number : column.numbers) has_value[number.row] = true;
    std::int64_t missing = 0;
    for (std::size_t row = 0; row < is_rated.size(); ++row)
      missing += is_rated[row] && !has_value[row] ? 1 : 0;
    columns += (c == 0 ? "" : ", ") + std::string("{\"column\": ") + json_quoted(source.name) +
               ", \"kind\": " + json_quoted(kind_name(source.kind)) +
               ", \"weights\": " + std::to_string(known.weights()) +
               ", \"missing\": " + std::to_string(missing);
    if (source.kind != ColumnKind::kNumber)
      columns += ", \"rare_values\": " + std::to_string(column.values.size() - known.values.size());
    columns += "}";
  }
  return "[" + columns + "]";
}

}  // namespace als::pg
