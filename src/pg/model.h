// A model as ordinary tables: what its newest row says.
#pragma once

#include <array>

#include "core/options.h"
#include "pg/rating_source.h"

namespace als::pg {

/// Which of the two factor tables.
enum class Side { kUsers, kItems };

inline const char* side_name(Side side) { return side == Side::kUsers ? "user" : "item"; }

inline const char* id_column(Side side) { return side == Side::kUsers ? "user_id" : "item_id"; }

/// Names the state of a model's factors; every change gives it a new one.
using Version = std::array<unsigned char, UUID_LEN>;

/// The newest row of a model table, as far as serving and retraining need it.
struct Model {
  Oid table = InvalidOid;
  std::string name;  ///< qualified and quoted
  Version version{};
  Feedback feedback = Feedback::kExplicit;
  int factors = 0;
  bool biases = false;
  double mean = 0;  ///< of the ratings
  std::int64_t n_users = 0;
  Oid user_factors = InvalidOid;
  Oid item_factors = InvalidOid;
  RatingSource source;

  Oid factor_table(Side side) const { return side == Side::kUsers ? user_factors : item_factors; }
};

/// Reads the newest row that the current snapshot sees, as the caller, within an SPI connection.
/// Throws 42809 if the relation is not a model, 55000 if it holds no row or its factor tables are
/// gone, and what the server raises where the caller may not read it.
Model read_model(Oid table);

/// Throws 42P01 or 42809 unless the relation exists and is a model table.
void check_is_model(Oid table);

}  // namespace als::pg
