// A model as ordinary tables: what its newest row says.
#pragma once

#include <array>

#include "core/data/duplicates.h"
#include "core/train/options.h"
#include "pg/model/model_table.h"
#include "pg/source/rating_source.h"

namespace als::pg {

/// Names the state of one side of a model's factors; every change gives it a new one.
using Version = std::array<unsigned char, UUID_LEN>;

/// A factor table, the version of its rows, and what else decides what is read from it: ALTER TABLE
/// changes that without a trigger that could change the version.
struct FactorTable {
  Oid named = InvalidOid;  ///< by the model's row
  Oid table = InvalidOid;  ///< what is read: the same, or this node's copy of its rows
  TableSpread spread = TableSpread::kNone;
  Version version{};
  Oid storage = InvalidOid;  ///< relfilenode: a rewrite makes a new one
  Oid id_type = InvalidOid;
  Oid id_collation = InvalidOid;
  /// Of factors, bias, n_ratings and, where it is kept, popularity: one made anew is another.
  std::array<AttrNumber, 4> columns{};
  std::uint64_t version_trigger = 0;  ///< set where rows are kept: see pg/cache/seen_changes.h

  CollatedType ids() const { return {id_type, id_collation}; }

  bool operator==(const FactorTable& other) const {
    return table == other.table && version == other.version && storage == other.storage &&
           id_type == other.id_type && id_collation == other.id_collation &&
           columns == other.columns && version_trigger == other.version_trigger;
  }
};

/// The lowest and the highest rating that a training saw.
struct RatingScale {
  float lowest;
  float highest;
};

/// The newest row of a model table, as far as serving and retraining need it.
struct Model {
  Oid table = InvalidOid;
  Oid owner = InvalidOid;
  std::string name;  ///< qualified and quoted
  Feedback feedback = Feedback::kExplicit;
  int factors = 0;
  bool biases = false;
  double mean = 0;  ///< of the ratings
  std::optional<RatingScale> scale;
  double regularization = 0;
  double bias_regularization = 0;
  double reg_exponent = 0;
  double alpha = 0;  ///< 0 for explicit feedback
  bool nonnegative = false;
  OnDuplicate on_duplicate = OnDuplicate::kAverage;
  std::optional<double> damping;  ///< of items' mean ratings, see core/data/popularity.h
  std::int64_t n_users = 0;
  std::int64_t n_items = 0;
  bool has_duplicates = true;  ///< whether its ratings may be of several rows; unknown: true
  BySide<FactorTable> factor_tables;
  RatingSource source;
  std::int64_t run = 0;
  BySide<RatingSource> features;  ///< the text is empty where there are none
  BySide<Oid> feature_weights;
  BySide<double> feature_strength{};
  RatingSource seen;  ///< what users have seen beside it; its text is empty where there is nothing

  Oid factor_table(Side side) const { return factor_tables[side].table; }

  /// How many rows als has left in a side's factor table.
  std::int64_t n_rows(Side side) const { return side == Side::kUsers ? n_users : n_items; }

  bool knows_objective = true;  ///< false for an imported model whose options nobody has told

  bool has_features(Side side) const { return !features[side].is_none(); }

  /// What predictions are clipped to. Throws 22023 for implicit feedback, 55000 where it is not
  /// known.
  RatingScale rating_scale() const;

  /// What it was trained with, as far as one row's part of the objective depends on it. Throws
  /// 55000 where that is not known.
  TrainOptions options() const;

  /// Whether what has been read of a side of the other holds for this one too.
  bool has_same_factors(const Model& other, Side side) const {
    return table == other.table && factors == other.factors &&
           factor_tables[side] == other.factor_tables[side];
  }
  bool has_same_factors(const Model& other) const {
    return has_same_factors(other, Side::kUsers) && has_same_factors(other, Side::kItems);
  }
};

/// The part of a score that depends on the user alone: mu + b_u with biases, else 0. A score is
/// (base_score + b_i) + x.y, summed in this order wherever it is computed.
inline float base_score(const Model& model, float user_bias) {
  return model.biases ? static_cast<float>(model.mean + user_bias) : 0.0F;
}

/// Reads the newest row that the current snapshot sees, as the caller, within an SPI connection.
/// Throws 42809 if the relation is not a model, 55000 if it holds no row or its factor tables are
/// gone, 42501 if these belong to a role that the caller does not trust, and what the server raises
/// where the caller may not read it.
Model read_model(Oid table);

/// Where a row of a model table lies: the same place is the same row, unchanged.
struct RowVersion {
  ItemPointerData tid;
  TransactionId xmin = InvalidTransactionId;  ///< InvalidTransactionId: not known

  bool is_known() const { return TransactionIdIsValid(xmin); }
  bool operator==(const RowVersion& other) const {
    return xmin == other.xmin &&
           ItemPointerEquals(const_cast<ItemPointer>(&tid), const_cast<ItemPointer>(&other.tid));
  }
};

/// Where the row lies that read_model() would read: so much quicker to find than to read that those
/// who remember what they have read ask first. Not known where more than the primary key decides
/// what the caller sees.
RowVersion newest_row(Oid model);

}  // namespace als::pg
