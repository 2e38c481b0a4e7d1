// The arguments of als.train, and those that als.tune and als.import_model have in common with it.
#pragma once

#include "pg/options/option_choices.h"
#include "pg/server/args.h"
#include "pg/source/rating_source.h"

namespace als::pg {

/// What user_features and item_features name; nothing where they are null.
struct FeatureSources : BySide<std::optional<RatingSource>> {
  bool any() const { return users || items; }
};

/// The arguments of als.train, checked.
struct TrainRequest {
  std::string model;
  RatingSource source;
  std::optional<RatingSource> seen;  ///< what users have seen beside it
  FeatureSources features;
  OptionChoices choices;  ///< by the user
  TrainOptions options;   ///< as far as they do not depend on the ratings
  OnDuplicate on_duplicate;
  double holdout;  ///< the share of each user's ratings kept out
  int threads;
  bool replace;
  bool replace_ids;
  bool warm_start;  ///< from the factors that the model has
  bool unlogged;
  bool keep_previous;  ///< the factors that the model has, for als.rollback_model
  bool distributed;    ///< where the rows are
  std::optional<int> parts;
  bool functions;      ///< are to be made of the model, as als.create_functions does
  bool is_retraining;  ///< what was not named is as the model's row says

  /// All that is read.
  std::vector<RatingSource> sources() const;

  /// Fills in the options from these choices.
  void complete(const OptionChoices& chosen);
};

/// What a null means among the options of a function.
enum class NullOption { kIsAsked, kIsLeftOpen };

/// The options among a function's arguments. Throws 22004 for one that must not be null, 22023 for
/// one out of range.
OptionChoices option_args(const NamedArgs& args, NullOption null = NullOption::kIsAsked);

/// Throws 22023 for a source with a time_col whose duplicates are not merged by it, or the reverse.
void check_time_col(const RatingSource& source, OnDuplicate on_duplicate);

/// The source that `text` names, with the columns that the arguments user_col, item_col,
/// rating_col, time_col and weight_col say. Throws 22004 for a user_col or item_col that is null,
/// and what parse_source() and check_time_col() throw.
RatingSource source_from(const NamedArgs& args, const std::string& text, OnDuplicate on_duplicate,
                         Feedback feedback);

/// What the argument seen names, with the columns of the source; nothing where it is null, or where
/// the function has no such argument, as in 1.0. Throws what parse_seen() throws.
std::optional<RatingSource> seen_from(const NamedArgs& args, const RatingSource& source);

/// Throws 42703 or 42804 unless what is named as seen has the columns, and ids that cast to these
/// types: so that it is at the training that this is found, and not when the model serves.
void check_seen(const RatingSource& seen, const BySide<const IdType*>& id_types,
                MemoryContext context);

/// The arguments distributed and parts; where they are null, what is recorded. Throws 22023 for
/// parts of a training that is not distributed.
void add_distribution(TrainRequest& request, const NamedArgs& args,
                      std::optional<bool> recorded = std::nullopt,
                      std::optional<int> recorded_parts = std::nullopt);

/// What the argument user_features or item_features names; nothing where it is null. Throws what
/// parse_features() throws.
std::optional<RatingSource> features_from(const NamedArgs& args, Side side);

/// Options that only a training with features has, and of which side; of either where there is
/// none.
struct FeatureOption {
  OptionId id;
  std::optional<Side> side;

  bool applies(const FeatureSources& features) const {
    return side ? features[*side].has_value() : features.any();
  }
};
inline constexpr FeatureOption kFeatureOptions[] = {
    {OptionId::kFeatureRegularization, std::nullopt},
    {OptionId::kFeatureStrength, Side::kItems},
    {OptionId::kUserFeatureStrength, Side::kUsers},
    {OptionId::kNewItemShrinkage, Side::kItems}};

/// Throws 22023 for an option of features without features, 0A000 for what does not go with them.
void check_features(const TrainRequest& request);
void check_features(const FeatureSources& features, const OptionChoices& choices);

/// Throws 22004 or 22023 for an argument that is null or out of range, 42P01 or 42809 for a source
/// that is missing or cannot be read.
TrainRequest train_request(FunctionCallInfo fcinfo);

}  // namespace als::pg
