// Picks the items that a report shows, with their neighbours and their place on the map.
#include "pg/report/report_items.h"

#include <tuple>

#include "core/linalg/principal_axes.h"
#include "pg/ids/id_equality.h"
#include "pg/report/item_titles.h"
#include "pg/serve/neighbors.h"
#include "pg/server/interrupts.h"
#include "pg/server/settings.h"
#include "report/html.h"

namespace als::pg {

namespace {

constexpr std::size_t kMapItems = 1500;
constexpr std::size_t kNeighbours = 6;
constexpr std::size_t kTitleCharacters = 90;

/// Vectors to look for the axes in: the sum over them takes some tenths of a second at most.
std::size_t axes_sample(std::size_t factors) {
  constexpr std::size_t kProducts = std::size_t{1} << 32;
  return std::clamp<std::size_t>(kProducts / (factors * factors), 2048, 100000);
}

/// The vector scaled to length 1, as neighbours by cosine see it.
void copy_direction(const float* from, std::size_t n, float* to) {
  double squares = 0;
  for (std::size_t k = 0; k < n; ++k) squares += static_cast<double>(from[k]) * from[k];
  const double scale = squares > 0 ? 1 / std::sqrt(squares) : 0;
  for (std::size_t k = 0; k < n; ++k) to[k] = static_cast<float>(from[k] * scale);
}

}  // namespace

ReportItems::ReportItems(ServedModel& served, int cards)
    : served_(served), side_(served.side(Side::kItems)), n_cards_(static_cast<std::size_t>(cards)) {
  shuffle();
  by_ratings_ = shuffled_;
  const std::int32_t* ratings = side_.n_ratings();
  const std::size_t needed = std::min(by_ratings_.size(), std::max(kMapItems, n_cards_));
  std::partial_sort(by_ratings_.begin(), by_ratings_.begin() + static_cast<std::ptrdiff_t>(needed),
                    by_ratings_.end(), [&](std::uint32_t a, std::uint32_t b) {
                      return ratings[a] != ratings[b] ? ratings[a] > ratings[b] : a < b;
                    });
  by_ratings_.resize(needed);
}

void ReportItems::shuffle() {
  std::vector<std::pair<std::uint64_t, std::uint32_t>> keys(side_.size());
  server([&] {
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const auto index = static_cast<std::uint32_t>(i);
      keys[i] = {splitmix(id_hash(side_.type(), side_.ids().id(index))), index};
    }
  });
  std::sort(keys.begin(), keys.end());
  shuffled_.reserve(keys.size());
  for (const auto& key : keys) shuffled_.push_back(key.second);
}

/// n items, half of them the most rated ones, which come first, and half of them a sample of the
/// others.
std::vector<std::uint32_t> ReportItems::most_rated_and_sample(std::size_t n) const {
  n = std::min(n, shuffled_.size());
  const auto half = static_cast<std::ptrdiff_t>((n + 1) / 2);
  std::vector<std::uint32_t> result(by_ratings_.begin(), by_ratings_.begin() + half);
  std::vector<bool> taken(shuffled_.size());
  for (std::uint32_t item : result) taken[item] = true;
  // The most rated first; those of as many ratings as they were shuffled.
  std::vector<std::tuple<std::int32_t, std::size_t, std::uint32_t>> sample;
  for (std::uint32_t item : shuffled_) {
    if (result.size() + sample.size() == n) break;
    if (!taken[item]) sample.emplace_back(-side_.n_ratings()[item], sample.size(), item);
  }
  std::sort(sample.begin(), sample.end());
  for (const auto& entry : sample) result.push_back(std::get<2>(entry));
  return result;
}

NamedItem ReportItems::named(std::uint32_t index) const {
  std::string id = utf8_text(server([&] { return id_text(side_.type(), side_.ids().id(index)); }));
  id = shortened(id, kTitleCharacters);
  if (titles_.empty() || titles_[index].empty()) return {std::move(id), ""};
  return {shortened(titles_[index], kTitleCharacters), std::move(id)};
}

void ReportItems::find_axes(ReportData& data) {
  const std::size_t n = side_.rows().cols;
  const std::size_t rows = std::min(side_.size(), axes_sample(n));
  FactorMatrix sample(rows, n);
  for (std::size_t r = 0; r < rows; ++r)
    copy_direction(side_.rows().row(shuffled_[r]), n, sample.row(r));
  ThreadTeam team = interruptible_team(default_threads());
  const std::optional<PrincipalAxes> axes = principal_axes(sample, team);
  if (!axes) return;
  std::copy_n(axes->variance_shares, 2, data.map_variance);
  std::vector<float> direction(n);
  for (std::uint32_t item : most_rated_and_sample(kMapItems)) {
    copy_direction(side_.rows().row(item), n, direction.data());
    data.map.push_back({named(item).title, axes->place(direction.data(), 0),
                        axes->place(direction.data(), 1), side_.n_ratings()[item]});
  }
}

void ReportItems::describe(const std::optional<std::string>& titles, ReportData& data) {
  data.items = static_cast<std::int64_t>(side_.size());
  for (std::size_t i = 0; i < side_.size(); ++i) data.ratings_per_item.add(side_.n_ratings()[i]);
  if (side_.size() == 0) return;

  const std::vector<std::uint32_t> cards = most_rated_and_sample(n_cards_);
  std::vector<std::vector<ScoredItem>> near;
  std::vector<bool> wanted(side_.size());
  for (std::uint32_t item : most_rated_and_sample(kMapItems)) wanted[item] = true;
  for (std::uint32_t item : cards) {
    server([] { CHECK_FOR_INTERRUPTS(); });
    near.push_back(neighbours(served_, Side::kItems, item, kNeighbours, true));
    wanted[item] = true;
    for (const ScoredItem& other : near.back()) wanted[other.item] = true;
  }
  if (titles) titles_ = item_titles(*titles, side_.ids(), wanted);
  find_axes(data);
  for (std::size_t i = 0; i < cards.size(); ++i) {
    ItemCard card{named(cards[i]), side_.n_ratings()[cards[i]], {}};
    for (const ScoredItem& other : near[i])
      card.neighbours.push_back({named(other.item), other.score});
    data.cards.push_back(std::move(card));
  }
}

}  // namespace als::pg
