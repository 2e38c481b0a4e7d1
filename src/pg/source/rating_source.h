// Where the ratings come from: a table, a view or a query, and its three columns; first as named,
// then as described.
#pragma once

#include <optional>

#include "pg/ids/id_type.h"
#include "pg/ids/side.h"
#include "pg/server/local_settings.h"
#include "pg/server/plan_guard.h"
#include "pg/sql/spi.h"

namespace als::pg {

/// How the rating column is read.
enum class RatingKind { kNone, kBool, kInt2, kInt4, kInt8, kFloat4, kFloat8 };

/// A source as it is named: its columns may or may not be there.
struct RatingSource {
  const char* what = "the source of ratings";  ///< for messages
  std::string text;                            ///< what the model row remembers
  bool is_relation = false;  ///< whether it names a table or view; else it is a query
  Oid table = InvalidOid;    ///< that relation; InvalidOid for a query, or while there is none
  std::string identity;      ///< of the relation that was named, as identity_of() has it
  bool is_guarded = false;   ///< whether nobody has named it whom the caller trusts
  std::string path;  ///< in which schemas a query's names are looked up; empty: the caller's
  std::string user_col;
  std::string item_col;
  std::optional<std::string> rating_col;  ///< none: every row counts 1
  std::optional<std::string> time_col;    ///< of a user's rows for an item the latest counts alone
  std::optional<std::string> weight_col;  ///< how much each row counts; none: all the same
  bool is_implicit = false;               ///< whether weights are confidences

  /// Whether ratings are read with weights beside them, or become confidences: the weight, negative
  /// where the rating is not above 0.
  bool has_weights() const { return weight_col && !is_implicit; }
  bool has_confidences() const { return weight_col && is_implicit; }

  const std::string& id_col(Side side) const { return side == Side::kUsers ? user_col : item_col; }

  /// Whether there is nothing to read, as an imported model may have it.
  bool is_none() const { return text.empty(); }

  /// Whether there is no relation of the name, nor the one that had it.
  bool is_gone() const { return is_relation && !OidIsValid(table); }

  /// Whether the relation is the very one that was named, not one made later under its name.
  bool is_as_named() const;

  /// The source as an item of a FROM clause, for statements within a SourceNames. A relation is
  /// locked, so that it keeps the name. Throws 42P01 if
  /// its table is gone, 55000 if there is none, as an imported model may have it.
  std::string from_clause() const;
};

/// Tells a relation's name from a query. Keeps no lock, as whoever reads the source may first have
/// to wait for one who wants to have it alone. Throws 42601 for nothing at all, 42P01 or 42809 for
/// a relation that is missing or cannot be read.
RatingSource parse_source(const std::string& text);

/// What users have seen beside a source: its columns have the same names. Throws what
/// parse_source() throws.
RatingSource parse_seen(const std::string& text, const RatingSource& source);

/// What tells a relation from all others, those of other databases and servers too, whatever its
/// name. A server call.
char* identity_of(Oid relation);

/// Looks up the relation of a source that a row has recorded: the one that has the name now, as
/// tables are dropped and made again under their names; else the one that had it, which has been
/// renamed.
void find_relation(RatingSource& source);

/// For statements that read the source. While it lasts, names in a query are those that they were
/// when the query was written, and no function of a stranger's table is run to plan a statement.
/// Like a snapshot the names are left to the server after an error. The guard of the plans lasts
/// until this is destroyed, end() or not.
class SourceNames {
 public:
  explicit SourceNames(const RatingSource& source);
  void end() { settings_.end(); }

 private:
  LocalSettings settings_;
  PlanGuard guard_;
};

/// A source with the types of its columns, as reading takes them for granted.
struct DescribedSource : RatingSource {
  BySide<const IdType*> id_types;
  RatingKind rating_kind = RatingKind::kNone;
  Oid rating_type = INT4OID;  ///< as read; the 1 of a source without ratings is an int
  bool cast_rating = false;   ///< numeric and the like are read as float8

  /// The rating as an expression of rating_type, and what a value of it stands for.
  std::string rating_as_read() const;
  double rating_number(Datum value) const;

  /// The rating, and the weight or 1, as expressions of type float8.
  std::string rating_as_float8() const;
  std::string weight_as_float8() const;

  /// The rows that count, as an item of a FROM clause, like from_clause().
  std::string rows_that_count() const;
};

/// Gives the server's error about a number that double precision cannot hold a hint at the columns
/// of ratings and weights, which it does not name.
void add_hint_at_columns(const ServerError& error, const DescribedSource& source);

/// Runs read(), by which the server reads these as numbers.
template <class Read>
void read_numbers(const DescribedSource& source, Read&& read) {
  try {
    read();
  } catch (const ServerError& error) {
    add_hint_at_columns(error, source);
    throw;
  }
}

/// Notes of what type the ratings are, and how they are read. Throws 42804 for one without numbers.
void describe_rating(DescribedSource& source, Oid type);

/// Looks up the source's columns and their types, as the caller. Needs an SPI connection; the types
/// are allocated in `context`. Throws 42703 for a missing column, 42804 for a rating or a weight
/// that is no number, 42883 for ids that cannot be compared and for times that have no order.
DescribedSource describe_source(const RatingSource& source, MemoryContext context);

}  // namespace als::pg
