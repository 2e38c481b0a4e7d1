// The features of a model: what each stands for, and rows as these features.
#pragma once

#include "core/data/compressed_rows.h"
#include "core/features/number_knots.h"
#include "pg/features/feature_reader.h"

namespace als::pg {

/// What a feature stands for.
enum class FeatureRole {
  kEvery,   ///< 1 of every row, so that others tell how a row differs
  kValue,   ///< 1 / scale of rows whose column has the value
  kRare,    ///< 1 / scale of rows whose column has a value that is not among the others
  kNumber,  ///< (number - center) / scale, no more than 10; 0 where it is missing
  kKnot,    ///< the hat of a number whose knot is center; 0 where it is missing
};

/// As the table of weights has it.
const char* role_name(FeatureRole role, Side side);
std::optional<FeatureRole> role_named(const std::string& name, Side side);

struct Feature {
  FeatureRole role;
  std::string column;  ///< empty of kEvery
  std::string value;
  std::int64_t n_rows = 0;  ///< with ratings that have it: of a knot, whose hat is not 0
  double center = 0;
  double scale = 1;  ///< of a lexeme, the fewer rows have it the less; of other values 1
};

class FeatureDictionary {
 public:
  explicit FeatureDictionary(std::vector<Feature> features);

  /// What a training makes of what has been read. is_rated: of each row. order: of the rows, so
  /// that nothing depends on the order in which they came. A column that is null in all rows of
  /// rated ids has no feature. Throws P0002 if there are no such rows, 22004 where all are null.
  static FeatureDictionary of(const FeatureReader& reader, const std::vector<bool>& is_rated,
                              const std::vector<std::uint32_t>& order);

  const std::vector<Feature>& features() const { return features_; }
  std::size_t memory() const;  ///< bytes

  /// Throws 42703 for a column of features that the source no longer has, 42804 for one that has
  /// become one of another kind. model: its name.
  void check_columns(const DescribedFeatures& source, const std::string& model) const;

  /// Rows of what has been read; each has its place there, or kLeftOut.
  static constexpr std::uint32_t kLeftOut = ~std::uint32_t{0};
  CompressedRows encoded(const FeatureReader& reader, const std::vector<std::uint32_t>& place_of,
                         std::size_t rows) const;

  /// Columns of which no feature was made, as there was nothing in them.
  std::vector<std::string> left_out(const DescribedFeatures& source) const;

  /// What was made of each column, as a JSON array.
  std::string report(const FeatureReader& reader, const std::vector<bool>& is_rated) const;

 private:
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};
  struct Column {
    std::unordered_map<std::string, std::uint32_t> values;
    std::uint32_t rare = kNone;
    std::uint32_t number = kNone;
    std::uint32_t first_knot = kNone;
    std::vector<double> knots;  // ascending, and so are their features

    std::size_t weights() const {
      return values.size() + (rare != kNone ? 1 : 0) + (number != kNone ? 1 : 0) + knots.size();
    }
  };
  Column column_of(const std::string& name) const;
  template <class Cell>
  void visit_cells(const FeatureReader& reader, const std::vector<std::uint32_t>& place_of,
                   std::size_t rows, const Cell& cell) const;

  std::vector<Feature> features_;
  std::unordered_map<std::string, Column> columns_;
  std::uint32_t every_ = kNone;
};

}  // namespace als::pg
