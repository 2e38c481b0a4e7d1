// The report as one HTML page. It is XML as well, so that programs can read it.

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "report/html.h"
#include "report/numbers.h"
#include "report/page_style.h"
#include "report/report_data.h"

namespace als {

const std::string& ReportData::operator[](const std::string& column) const {
  static const std::string none;
  const auto found = std::find_if(row.begin(), row.end(),
                                  [&](const auto& entry) { return entry.first == column; });
  return found == row.end() ? none : found->second;
}

namespace {

double number(const std::string& text) { return std::strtod(text.c_str(), nullptr); }

std::string plural(double n, const std::string& noun) {
  return grouped(n) + " " + noun + (n == 1 ? "" : "s");
}

std::string tile(const std::string& value, const std::string& name) {
  return "<div class=\"tile\"><b>" + escaped(value) + "</b><span>" + escaped(name) +
         "</span></div>\n";
}

std::string cell(const std::string& text, const char* css_class = "number") {
  return std::string("<td class=\"") + css_class + "\">" + escaped(text) + "</td>";
}

std::string section(const std::string& title, const std::string& text) {
  return "<h2>" + escaped(title) + "</h2>\n<p>" + escaped(text) + "</p>\n";
}

double seconds(const ReportData& data) {
  return number(data["read_seconds"]) + number(data["train_seconds"]) +
         number(data["write_seconds"]);
}

std::string header(const ReportData& data) {
  const double users = number(data["n_users"]);
  const double items = number(data["n_items"]);
  const double ratings = number(data["n_ratings"]);
  std::string html =
      "<header><h1>" + escaped(data.model) + "</h1>\n<p class=\"lead\">" +
      escaped((data["feedback"] == "implicit" ? "Implicit" : "Explicit") +
              std::string(" feedback, run ") + data["run"] + " of " + data["trained_at"]) +
      (data["source"].empty() ? "" : escaped(", from " + shortened(data["source"], 300))) +
      "</p>\n<div class=\"tiles\">\n";
  html += tile(grouped(users), users == 1 ? "user" : "users");
  html += tile(grouped(items), items == 1 ? "item" : "items");
  html += tile(grouped(ratings), ratings == 1 ? "rating" : "ratings");
  if (users > 0 && items > 0 && ratings > 0)
    html += tile(compact(100 * ratings / users / items) + " %", "of all pairs are rated");
  html += tile(data["factors"], data["factors"] == "1" ? "factor" : "factors");
  if (!data.loss.empty()) html += tile(duration(seconds(data)), "total time");
  return html + "</div></header>\n";
}

std::string training(const ReportData& data) {
  if (data.loss.empty()) return "";
  std::string html =
      section("Training",
              "The objective that the iterations lower, and, where ratings were kept out of the "
              "training, how well the model predicts those.") +
      "<div class=\"charts\">\n";
  html += iteration_chart(
      "loss",
      {"Loss",
       "The loss after each of " + plural(static_cast<double>(data.loss.size()), "iteration") +
           ", from " + significant(data.loss.front()) + " to " + significant(data.loss.back()) +
           ".",
       "iteration", "objective, less is better"},
      data.loss, Best::kNone);
  if (!data.holdout.empty()) {
    const bool rmse = data["holdout_metric"] == "rmse";
    const std::string metric = rmse ? "RMSE" : "Recall@10";
    html += iteration_chart("holdout",
                            {"Ratings kept out: " + metric,
                             metric + " of the ratings kept out after each iteration, ending at " +
                                 significant(data.holdout.back()) + ".",
                             "iteration", rmse ? "less is better" : "more is better"},
                            data.holdout, rmse ? Best::kLow : Best::kHigh);
  }
  return html + "</div>\n";
}

/// Bars for the model and for popularity, as long as their values are to the greater one.
std::string meter(const Measured& row) {
  const double most = std::max(std::fabs(row.value), std::fabs(row.baseline.value_or(0)));
  const auto bar = [&](const char* css_class, double value) {
    return std::string("<div class=\"") + css_class +
           "\" style=\"width:" + fixed(most > 0 ? 100 * std::fabs(value) / most : 0, 1) +
           "%\"></div>";
  };
  return "<td class=\"meter\">" + bar("model", row.value) +
         (row.baseline ? bar("popular", *row.baseline) : "") + "</td>";
}

/// From the value on.
std::string measured_cells(const Measured& row) {
  return cell(fixed(row.value, 4)) + cell(row.baseline ? fixed(*row.baseline, 4) : "") +
         cell(grouped(static_cast<double>(row.n))) + meter(row);
}

const char* const kMeasuredHeads =
    "<th class=\"number\">Model</th><th class=\"number\">Popularity</th>"
    "<th class=\"number\">Measured on</th><th class=\"meter\"></th></tr></thead><tbody>\n";

std::string ratings_of(const MeasuredGroup& group) {
  std::string least = grouped(static_cast<double>(group.min_ratings));
  if (!group.max_ratings) return least + "+";
  if (*group.max_ratings == group.min_ratings) return least;
  return least + "-" + grouped(static_cast<double>(*group.max_ratings));
}

/// Whom the model serves well, and whom badly.
std::string by_activity(const ReportData& data) {
  if (data.by_activity.empty()) return "";
  std::string html =
      "<p>" +
      escaped(
          "The same apart for users by how many ratings they have in the training, as "
          "als.evaluate_by_activity has it.") +
      "</p>\n<div class=\"card\" id=\"by-activity\"><table><thead><tr><th>Metric</th><th "
      "class=\"number\">Ratings</th>" +
      kMeasuredHeads;
  for (const MeasuredGroup& group : data.by_activity) {
    const Measured& row = group.measured;
    html += "<tr><td>" + escaped(row.metric + (row.k ? "@" + std::to_string(*row.k) : "")) +
            "</td>" + cell(ratings_of(group)) + measured_cells(row) + "</tr>\n";
  }
  return html + "</tbody></table></div>\n";
}

std::string quality(const ReportData& data) {
  if (data.metrics.empty()) return "";
  std::string html =
      section("Quality",
              "Measured by als.evaluate on " + shortened(data.test, 300) +
                  ". Blue: the model. Grey: what popularity alone would do" +
                  (data["feedback"] == "explicit"
                       ? ", or for errors the items' means. Of rmse and mae less is better."
                       : ".")) +
      "<div class=\"card\" id=\"metrics\"><table><thead><tr><th>Metric</th><th "
      "class=\"number\">k</th>" +
      kMeasuredHeads;
  for (const Measured& row : data.metrics)
    html += "<tr><td>" + escaped(row.metric) + "</td>" + cell(row.k ? std::to_string(*row.k) : "") +
            measured_cells(row) + "</tr>\n";
  return html + "</tbody></table></div>\n" + by_activity(data);
}

std::string rating_histogram(const std::string& id, const LogBins& bins, const char* one,
                             const char* many) {
  if (bins.bins().empty()) return "";
  std::string title = std::string("Ratings per ") + one;
  std::string zeros =
      bins.zeros() > 0 ? "; " + grouped(static_cast<double>(bins.zeros())) + " have none" : "";
  return histogram(id,
                   {title,
                    "How many " + std::string(many) + " have how many ratings; on average " +
                        significant(bins.mean()) + zeros + ".",
                    "ratings, on a logarithmic scale" + zeros, many},
                   bins.bins(), true, many, kHalfWidth);
}

std::string distributions(const ReportData& data) {
  std::string html =
      section("Ratings and scores",
              "How active users are, how the ratings fall on the items, and what the model says "
              "of " +
                  grouped(static_cast<double>(data.scored_pairs)) +
                  " pairs of user and item drawn without regard to what was rated.") +
      "<div class=\"charts\">\n" +
      rating_histogram("per-user", data.ratings_per_user, "user", "users") +
      rating_histogram("per-item", data.ratings_per_item, "item", "items") + "</div>\n";
  if (data.scores.empty()) return html;
  return html + "<div class=\"alone\">" +
         histogram("scores",
                   {"Scores",
                    "How the scores of " + grouped(static_cast<double>(data.scored_pairs)) +
                        " pairs of user and item are distributed; the outermost bars include what "
                        "lies beyond.",
                    data["feedback"] == "implicit" ? "score: how much the user prefers the item"
                                                   : "score: the rating expected",
                    "pairs of a sample"},
                   data.scores, false, "pairs", kFullWidth) +
         "</div>\n";
}

std::string percent(double share) { return fixed(100 * share, 0) + " %"; }

std::string map(const ReportData& data) {
  if (data.map.empty()) return "";
  const auto shown = static_cast<std::int64_t>(data.map.size());
  return section(
             "Map of the items",
             "The items' vectors, scaled to length 1, along the two directions in which they "
             "differ most (principal components), which hold " +
                 percent(data.map_variance[0]) + " and " + percent(data.map_variance[1]) +
                 " of the variance. Items that lie far apart differ; near ones may still differ in "
                 "other directions. A point's size tells its number of ratings; point at it for "
                 "its title.") +
         item_map("map",
                  {shown == data.items ? "All " + plural(static_cast<double>(shown), "item")
                                       : grouped(static_cast<double>(shown)) + " of " +
                                             plural(static_cast<double>(data.items), "item") +
                                             ": the most rated ones, and a sample",
                   "A map of items by the first two principal components of their vectors.",
                   "first component", "second component"},
                  data.map);
}

std::string named(const NamedItem& item) {
  return escaped(item.title) +
         (item.id.empty() ? "" : "<span class=\"id\">" + escaped(item.id) + "</span>");
}

std::string item_table(const ReportData& data) {
  if (data.cards.empty()) return "";
  const std::string n = grouped(static_cast<double>(data.cards.size()));
  std::string html =
      section("Items and their neighbours",
              "The most rated items and a sample of the others, each with the items whose vectors "
              "point most in the same direction (als.similar_items; the number is the cosine).") +
      "<div class=\"card\"><input id=\"search\" type=\"search\" placeholder=\"Search titles\" "
      "aria-label=\"Search titles\"/> <span class=\"id\"><span id=\"shown\">" +
      n + "</span> of " + n +
      " shown</span>\n<div class=\"scroll\"><table class=\"items\"><thead><tr><th>Item</th>"
      "<th class=\"number\">Ratings</th><th>Nearest neighbours</th></tr></thead><tbody>\n";
  for (const ItemCard& card : data.cards) {
    html += "<tr><td>" + named(card.item) + "</td>" +
            cell(grouped(static_cast<double>(card.ratings))) + "<td><ul class=\"near\">";
    for (const Neighbour& neighbour : card.neighbours)
      html += "<li>" + escaped(neighbour.item.title) + " <span>" + fixed(neighbour.cosine, 2) +
              "</span></li>";
    // An empty list would be no HTML.
    html += card.neighbours.empty() ? "<li>none</li>" : "";
    html += "</ul></td></tr>\n";
  }
  return html + "</tbody></table></div></div>\n";
}

std::string features(const ReportData& data) {
  if (data.features.empty()) return "";
  std::string html =
      section("Features",
              "What the training made of each column: its weights, the users or items with ratings "
              "that have nothing there, and the values that too few of these have for a weight of "
              "their own. The strongest are those that add the longest vectors, of a number "
              "for each standard deviation.") +
      "<div class=\"card\" id=\"features\"><table><thead><tr><th>Column</th><th>Of</th>"
      "<th>Kind</th><th class=\"number\">Weights</th><th class=\"number\">Missing</th>"
      "<th class=\"number\">Rare values</th></tr></thead><tbody>\n";
  const auto count = [](const std::string& n) { return cell(n.empty() ? "" : grouped(number(n))); };
  for (const FeatureColumnReport& row : data.features)
    html += "<tr><td>" + escaped(row.column) + "</td><td>" + escaped(row.side) + "s</td><td>" +
            escaped(row.kind) + "</td>" + count(row.weights) + count(row.missing) +
            count(row.rare_values) + "</tr>\n";
  html += "</tbody></table></div>\n";
  if (data.strongest.empty()) return html;
  html +=
      "<div class=\"card\" id=\"strongest-features\"><table><thead><tr><th>Strongest</th>"
      "<th>Of</th><th>Value</th><th class=\"number\">Have it</th><th class=\"number\">Strength</th>"
      "</tr></thead><tbody>\n";
  for (const FeatureStrength& row : data.strongest)
    html += "<tr><td>" + escaped(row.column) + "</td><td>" + escaped(row.side) + "s</td><td>" +
            escaped(row.value) + "</td>" + cell(grouped(static_cast<double>(row.rows))) +
            cell(fixed(row.strength, 3)) + "</tr>\n";
  return html + "</tbody></table></div>\n";
}

/// Whether a column of the row is shown elsewhere.
bool has_section(const std::string& column) {
  return column == "loss" || column == "holdout_values" || column == "item_feature_columns" ||
         column == "user_feature_columns";
}

/// The model's row.
std::string facts(const ReportData& data) {
  std::string html = section("Options and counts", "The row of this run in the model's table.") +
                     "<div class=\"card facts\" id=\"facts\">\n";
  for (const auto& [column, value] : data.row)
    if (!has_section(column) && !value.empty())
      html += "<div><span>" + escaped(column) + "</span><span>" + escaped(shortened(value, 1000)) +
              "</span></div>\n";
  return html + "</div>\n";
}

std::string past_runs(const ReportData& data) {
  if (data.past_runs.size() < 2) return "";
  std::string html = section("Runs", "The latest trainings of this model, the newest first.") +
                     "<div class=\"card\" id=\"runs\"><table><thead><tr><th>Run</th><th>When</th>"
                     "<th class=\"number\">Ratings</th><th class=\"number\">Iterations</th>"
                     "<th class=\"number\">Last loss</th><th class=\"number\">Kept out</th>"
                     "<th class=\"number\">Time</th></tr></thead><tbody>\n";
  for (const PastRun& run : data.past_runs) {
    html += "<tr>" + cell(run.run, "run") + cell(run.trained_at, "when") +
            cell(run.ratings.empty() ? "" : grouped(number(run.ratings))) + cell(run.iterations) +
            cell(run.loss.empty() ? "" : significant(number(run.loss))) +
            cell(run.holdout.empty() ? "" : significant(number(run.holdout))) +
            cell(duration(run.seconds)) + "</tr>\n";
  }
  return html + "</tbody></table></div>\n";
}

}  // namespace

std::string report_page(const ReportData& data) {
  return "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/>"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>"
         "<link rel=\"icon\" href=\"data:,\"/>\n<title>" +
         escaped(data.model) + "</title>\n<style>" + kPageStyle +
         "</style></head>\n<body><main>\n" + header(data) + training(data) + quality(data) +
         distributions(data) + map(data) + item_table(data) + features(data) + facts(data) +
         past_runs(data) +
         "<footer>Written by als.report. Everything is in this file; it loads nothing.</footer>\n"
         "</main>\n<script>" +
         kPageScript + "</script></body></html>\n";
}

}  // namespace als
