// Users or items: the two sides of ratings and of a model.
#pragma once

namespace als::pg {

enum class Side { kUsers, kItems };

inline Side other_side(Side side) { return side == Side::kUsers ? Side::kItems : Side::kUsers; }

inline const char* side_name(Side side) { return side == Side::kUsers ? "user" : "item"; }

/// The argument that names the features of a side.
inline const char* features_name(Side side) {
  return side == Side::kUsers ? "user_features" : "item_features";
}

inline const char* id_column(Side side) { return side == Side::kUsers ? "user_id" : "item_id"; }

/// One of each.
template <class T>
struct BySide {
  T users{};
  T items{};

  constexpr T& operator[](Side side) { return side == Side::kUsers ? users : items; }
  constexpr const T& operator[](Side side) const { return side == Side::kUsers ? users : items; }
};

}  // namespace als::pg
