// A table, view or query of users or items and their features: first as named, then column by
// column.
#pragma once

#include "pg/source/rating_source.h"

namespace als::pg {

/// What is made of a column by its type.
enum class ColumnKind {
  kCategory,  ///< text, enum, boolean, uuid: one value each
  kElements,  ///< an array of such: several
  kLexemes,   ///< a tsvector: several, which count the more the fewer rows have them
  kNumber,    ///< a number, or a time in seconds
};

const char* kind_name(ColumnKind kind);

struct FeatureColumn {
  std::string name;
  ColumnKind kind;
  std::string expression;
  Oid read_as;    ///< the expression's type: text, text[], float8 or numeric
  Oid json_type;  ///< what JSON is read as that gives it: its own, of types that the server has
};

/// A number of a column as people write it; a date or a time, in UTC, as ISO 8601 has it.
std::string number_text(const FeatureColumn& column, double value);

/// Whether a number written with digits became infinite, or 0, in double precision.
bool is_beyond_double(double number, const char* text);
inline constexpr const char* kHintAboutRange =
    "Give a number that is neither so large nor so small, or null.";

struct DescribedFeatures : RatingSource {
  Side side = Side::kItems;
  std::string named_id;  ///< how the source of ratings names the ids
  std::string id_col;    ///< how they are named here
  CollatedType id_type{};
  std::vector<FeatureColumn> columns;

  /// Null where there is none.
  const FeatureColumn* column(const std::string& name) const;

  /// What a user is told who may have meant another column by the ids.
  std::string hint_about_ids() const;
};

/// As parse_source(), for what the argument features_name(side) names.
RatingSource parse_features(const std::string& text, Side side);

/// Looks up the columns, as the caller, within an SPI connection. The id is the column named_id or,
/// if there is none of the name, the first. Throws 42703 for a source without features, 42804 for a
/// column that is none, or an id that does not cast to `ids`.
DescribedFeatures describe_features(const RatingSource& named, Side side,
                                    const std::string& named_id, const IdType& ids);

}  // namespace als::pg
