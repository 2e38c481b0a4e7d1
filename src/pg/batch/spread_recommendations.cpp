// The statements by which each node makes the lists of its users.
#include "pg/batch/spread_recommendations.h"

#include "pg/history/live_ratings.h"
#include "pg/history/seen_sources.h"
#include "pg/ids/id_args.h"
#include "pg/server/random_number.h"
#include "pg/spread/table_beside_users.h"
#include "pg/sql/params.h"

namespace als::pg {

namespace {

bool are_on_nodes(const RecommendAllRequest& request, const Model& model, const IdType& user) {
  return request.whom == Side::kUsers && !request.exploration.is_asked() &&
         users_are_on_nodes(model, user);
}

}  // namespace

SpreadRecommendations::SpreadRecommendations(const RecommendAllRequest& request,
                                             ServedModel& served)
    : request_(request),
      served_(served),
      possible_(are_on_nodes(request, served.model(), served.id_type(Side::kUsers))) {
  if (!possible_) return;
  const Model& model = served.model();
  users_ = locked_name(model.factor_tables.users.named);
  if (request.exclude_seen)
    for_each_seen_source(model, request.seen,
                         [&](const RatingSource& source) { add_seen(source); });
  if (request.some) {
    some_.emplace(*request.some, request.some_name(), model.source);
    const std::string& column = some_->column(Side::kUsers);
    check("select " + quoted(column) + " from " + some_->source().from_clause(), some_->source(),
          {Side::kUsers});
  }
  read_items();
}

/// Looks at the types of a query's ids.
void SpreadRecommendations::check(const std::string& query, const RatingSource& names,
                                  std::initializer_list<Side> columns) {
  SourceNames in_scope(names);
  TupleDesc found = result_columns(prepare(query));
  in_scope.end();
  int i = 0;
  for (const Side side : columns) {
    const Form_pg_attribute column = TupleDescAttr(found, i++);
    possible_ = possible_ && CollatedType{column->atttypid, column->attcollation} ==
                                 served_.id_type(side).collated();
  }
}

void SpreadRecommendations::add_seen(const RatingSource& source) {
  check("select " + quoted(source.user_col) + ", " + quoted(source.item_col) + " from " +
            source.from_clause(),
        source, {Side::kUsers, Side::kItems});
  seen_.push_back({source, ""});
}

/// The items to choose from, and those left out, by their ids.
void SpreadRecommendations::read_items() {
  const LoadedFactors& items = served_.side(Side::kItems);
  const auto ids = [&](const ListedIds& listed) {
    std::vector<Datum> known;
    for (const std::uint32_t row : listed.read(Side::kItems, items))
      known.push_back(items.ids().id(row));
    return server([&] { return id_array(items.type(), known); });
  };
  const RatingSource& source = served_.model().source;
  if (request_.candidates) candidates_ = ids(ListedIds(*request_.candidates, "candidates", source));
  if (!request_.exclude) return;
  const ListedIds excluded(*request_.exclude, "exclude", source);
  if (excluded.has_pairs())
    add_seen(excluded.source());
  else
    excluded_ = ids(excluded);
}

/// Citus groups a source that is distributed by user where the rows are, and sends the groups on.
void SpreadRecommendations::pack(const Seen& seen) const {
  const IdType& item = served_.id_type(Side::kItems);
  create_table_beside_users(seen.table, ", items " + array_type_name(item), served_.model(),
                            served_.id_type(Side::kUsers));
  const RatingSource& source = seen.source;
  const std::string user_id = quoted(source.user_col);
  SourceNames names(source);
  execute("insert into " + seen.table + " select " + user_id + ", pg_catalog.array_agg(" +
          as_element(quoted(source.item_col), item) + ") from " + source.from_clause() + " where " +
          user_id + " is not null and " + quoted(source.item_col) + " is not null group by " +
          user_id);
  names.end();
}

/// The query for the lists.
std::string SpreadRecommendations::lists(std::vector<Param>& params) const {
  const IdType& user = served_.id_type(Side::kUsers);
  const IdType& item = served_.id_type(Side::kItems);
  const std::string array = array_type_name(item);
  const auto add = [&](const Param& param) {
    params.push_back(param);
    return "$" + std::to_string(params.size());
  };
  const std::string no_items = "null::" + array;
  std::string joins;
  std::string excluded;
  const auto exclude = [&](const std::string& items) {
    excluded += (excluded.empty() ? "" : " operator(pg_catalog.||) ") + items;
  };
  for (std::size_t i = 0; i < seen_.size(); ++i) {
    const std::string n = std::to_string(i);
    const std::string same =
        server([&] { return equals_condition(user, "user_id", ("seen_by" + n).c_str()); });
    joins += " left join (select user_id as seen_by" + n + ", items as seen" + n + " from " +
             seen_[i].table + ") s" + n + " on " + same;
    exclude("seen" + n);
  }
  if (some_)
    joins += " join (select distinct " + quoted(some_->column(Side::kUsers)) +
             " as some_user from " + some_->source().from_clause() + ") some_users on " +
             server([&] { return equals_condition(user, "user_id", "some_user"); });
  if (excluded_) exclude(add(*excluded_));
  if (excluded.empty()) excluded = no_items;
  std::string query = "select u.user_id, r.item_id, r.score, r.rank from " + users_ + " u" + joins +
                      " cross join lateral als._recommend_vector(" +
                      server([&] { return quote_literal_cstr(served_.model().name.c_str()); }) +
                      "::pg_catalog.regclass, u.factors, " + std::to_string(request_.k) + ", " +
                      (candidates_ ? add(*candidates_) : no_items) + ", " + excluded +
                      ", 'empty', " + format("%.17g", request_.diversity.share) +
                      ", u.bias, null::" + server([&] { return spelled_type(item.base); }) + ") r";
  return query;
}

bool SpreadRecommendations::are_possible(const RecommendationTable& target) {
  if (!possible_ || target.is_temporary()) return false;
  schema_ = schema_for_tables(target.schema());
  return schema_.has_value();
}

std::int64_t SpreadRecommendations::write(RecommendationTable& target, Progress& progress) {
  progress.enter(Phase::kReading);
  const std::string prefix = scratch_prefix();
  for (Seen& seen : seen_) {
    seen.table = *schema_ + "." + prefix + "seen" + std::to_string(&seen - seen_.data());
    pack(seen);
  }
  progress.enter(Phase::kRemoving);
  target.clear();
  progress.enter(Phase::kScoring);
  std::vector<Param> params;
  const std::string query = lists(params);
  const std::int64_t written = target.append(query, params);
  progress.hide();
  for (const Seen& seen : seen_) execute("drop table " + seen.table);
  target.finish(Side::kUsers);
  return written;
}

}  // namespace als::pg
