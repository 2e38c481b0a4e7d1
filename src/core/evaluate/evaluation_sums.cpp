// From sums to numbers and back.
#include "core/evaluate/evaluation_sums.h"

#include <cmath>
#include <type_traits>

namespace als {
namespace {

constexpr double kMaxCount = 9007199254740992.0;  // 2^53

/// Calls visit(number) for each, in the order in which they are kept. For those that the errors
/// keep to themselves see below.
template <class Metrics, class Visit>
void visit_metrics(Metrics& metrics, const Visit& visit) {
  visit(metrics.users);
  visit(metrics.auc_users);
  visit(metrics.mrr);
  visit(metrics.auc);
  for (auto& at : metrics.at) {
    visit(at.precision);
    visit(at.recall);
    visit(at.hit_rate);
    visit(at.ndcg);
    visit(at.map);
  }
}

template <class Sums, class Visit, class VisitError>
void visit_sums(Sums& sums, const Visit& visit, const VisitError& visit_error) {
  visit(sums.rows);
  visit(sums.predictable);
  visit(sums.users);
  visit(sums.relevant);
  visit(sums.left_out);
  visit_error(sums.errors.model);
  visit_error(sums.errors.means);
  visit(sums.errors.deviations);
  visit(sums.errors.deviation_squares);
  visit_metrics(sums.ranking, visit);
  visit_metrics(sums.popular, visit);
}

}  // namespace

std::vector<double> EvaluationSums::numbers() const {
  std::vector<double> numbers{-errors.lowest, errors.highest};
  const auto put = [&](auto number) { numbers.push_back(static_cast<double>(number)); };
  visit_sums(*this, put, [&](const PredictionError& error) {
    put(error.n());
    put(error.squares());
    put(error.absolutes());
  });
  return numbers;
}

std::size_t EvaluationSums::count_of_numbers(std::size_t cutoffs) {
  return EvaluationSums(cutoffs).numbers().size();
}

std::optional<EvaluationSums> EvaluationSums::of_numbers(const double* numbers,
                                                         std::size_t cutoffs) {
  EvaluationSums sums(cutoffs);
  sums.errors.lowest = -*numbers++;
  sums.errors.highest = *numbers++;
  bool valid = true;
  const auto take = [&](auto& number) {
    using Number = std::decay_t<decltype(number)>;
    const double value = *numbers++;
    const bool fits =
        std::is_floating_point_v<Number> ? std::isfinite(value) : value >= 0 && value <= kMaxCount;
    valid = valid && fits;
    if (fits) number = static_cast<Number>(value);
  };
  visit_sums(sums, take, [&](PredictionError& error) {
    std::size_t n = 0;
    double squares = 0;
    double absolutes = 0;
    take(n);
    take(squares);
    take(absolutes);
    error = PredictionError(n, squares, absolutes);
  });
  if (!valid) return std::nullopt;
  return sums;
}

}  // namespace als
