// What stands for a column of numbers: a line, and hats around some of its values.
#pragma once

#include "pg/features/feature_dictionary.h"

namespace als::pg {

/// Adds the line, and the knots after it, ascending. values: of all rows with ratings that have
/// one, in an order that does not depend on that of the rows.
void add_number(const FeatureColumn& source, const std::vector<double>& values,
                std::vector<Feature>& features);

/// Where a number is on its column's line: in deviations from the mean, never further than 10.
float scaled(double value, const Feature& feature);

}  // namespace als::pg
