// From the rows of a source of features to values by column.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "pg/features/feature_source.h"
#include "pg/ids/id_dictionary.h"

namespace als::pg {

/// The values of a column: of categories and elements each once, numbered as they come.
struct ColumnValues {
  struct Entry {
    std::uint32_t row;
    std::uint32_t value;
  };
  struct Number {
    std::uint32_t row;
    double value;
  };
  std::vector<std::string> values;
  std::unordered_map<std::string, std::uint32_t> numbers_of_values;
  std::vector<Entry> entries;
  std::vector<Number> numbers;
};

/// Bytes that a text takes beside its object, and those of one with its number in a hash table.
inline std::size_t heap_bytes(std::size_t size) {
  constexpr std::size_t kWithin = sizeof(std::string) / 2;  // a shorter one is in the object
  return size < kWithin ? 0 : size + 3 * sizeof(void*);
}
inline std::size_t table_bytes(std::size_t size) {
  return sizeof(std::string) + 6 * sizeof(void*) + heap_bytes(size);
}

/// Reads features of rows that are known and of others. They are numbered: a known one has the
/// number that its dictionary gives it, others follow.
class FeatureReader {
 public:
  /// Both must outlive the reader. known: the ids that have ratings, complete.
  FeatureReader(const DescribedFeatures& source, const IdDictionary& known);

  /// Reads everything, or where there is a condition what it selects with a parameter, under the
  /// active snapshot, as the caller, within an SPI connection. Throws 21000 for an id that stands
  /// there twice, 54000 for a column of too many values or an id too long, 53400 as soon as they
  /// take more memory than als.max_memory.
  void read(const char* condition = nullptr, const Param& param = {});

  const DescribedFeatures& source() const { return source_; }
  const std::vector<ColumnValues>& columns() const { return columns_; }
  const IdDictionary& others() const { return others_; }
  std::size_t rows() const { return known_.size() + others_.size(); }
  std::size_t memory() const;  ///< bytes of what has been read
  bool has_row(std::uint32_t row) const { return row < has_row_.size() && has_row_[row]; }

 private:
  void add(const Datum* values, const bool* nulls);
  void add_value(std::size_t column, std::uint32_t row, const char* text, std::size_t size);
  std::string query() const;
  double number_of(const FeatureColumn& column, Datum id, Datum value) const;
  void count_bytes(std::size_t more);

  const DescribedFeatures& source_;
  const IdDictionary& known_;
  IdDictionary others_;
  IdConverter converter_;
  std::vector<ColumnValues> columns_;
  std::vector<bool> has_row_;
  std::size_t value_bytes_ = 0;  // of texts and tables
  std::size_t unchecked_bytes_ = 0;
  std::size_t rows_ = 0;
};

}  // namespace als::pg
