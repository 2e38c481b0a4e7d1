// The statements by which each node evaluates its users.
#include "pg/evaluate/spread_evaluation.h"

#include "pg/evaluate/flat_bytes.h"
#include "pg/evaluate/item_means.h"
#include "pg/evaluate/per_user_table.h"
#include "pg/evaluate/trained_rows.h"
#include "pg/history/live_ratings.h"
#include "pg/history/user_rows_reader.h"
#include "pg/ids/id_args.h"
#include "pg/model/model_source.h"
#include "pg/nodes/cluster_nodes.h"
#include "pg/server/random_number.h"
#include "pg/spread/table_beside_users.h"
#include "pg/sql/bytea_value.h"
#include "pg/sql/params.h"

namespace als::pg {

namespace {

template <class Number>
std::string integers_literal(const std::vector<Number>& numbers) {
  std::string list;
  for (const Number number : numbers) list += (list.empty() ? "" : ",") + std::to_string(number);
  return "'{" + list + "}'::pg_catalog._int4";
}

std::string real_literal(float number) { return format("'%.9g'::pg_catalog.float4", number); }

std::string sum_of_kept(const std::string& table) {
  return "select als._sum_measured(result) from " + table;
}

bool can_make_tables() {
  return server([] { return !XactReadOnly && !RecoveryInProgress() && !IsInParallelMode(); });
}

}  // namespace

SpreadEvaluation::SpreadEvaluation(const EvaluationRequest& request, ServedModel& served,
                                   Progress& progress)
    : request_(request),
      served_(served),
      model_(served.model()),
      progress_(progress),
      context_("als evaluation on nodes"),
      possible_(users_are_on_nodes(model_, served.id_type(Side::kUsers)) && can_make_tables() &&
                is_coordinator()) {
  if (possible_) name_sources();
  if (!possible_) return;
  const std::optional<std::string> schema =
      schema_for_tables(server([&] { return get_rel_namespace(model_.table); }));
  possible_ = schema.has_value();
  schema_ = schema.value_or("");
}

std::string SpreadEvaluation::name_of(Part part) {
  constexpr const char* kNames[] = {"test", "history", "seen", "more_seen", "candidates"};
  return kNames[static_cast<std::size_t>(part)];
}

void SpreadEvaluation::add(Part part, const RatingSource& source, const char* argument,
                           bool has_ratings) {
  RatingSource columns = source;
  if (!has_ratings) columns.rating_col.reset();
  columns.time_col.reset();
  columns.weight_col.reset();
  Packed packed{part,
                argument != nullptr ? describe_argument(columns, argument, context_.get())
                                    : describe_source(columns, context_.get()),
                has_ratings, ""};
  possible_ = possible_ && packed.source.id_types.users->oid == served_.id_type(Side::kUsers).oid &&
              packed.source.id_types.items->oid == served_.id_type(Side::kItems).oid;
  packed_.push_back(std::move(packed));
}

/// All that is read, as for an evaluation in one place.
void SpreadEvaluation::name_sources() {
  add(Part::kTest, request_.source(request_.test, model_), "test", true);
  if (request_.history) {
    add(Part::kHistory, request_.source(*request_.history, model_), "history", true);
    possible_ = possible_ && !model_.source.time_col && !model_.source.weight_col;
  }
  if (request_.candidates)
    add(Part::kCandidates, request_.source(*request_.candidates, model_), "candidates", false);
  if (request_.exclude_seen && !request_.cutoffs.empty()) {
    const bool has_more = request_.seen || !model_.seen.is_none();
    if (request_.seen)
      add(Part::kMoreSeen, request_.source(*request_.seen, model_), "seen", false);
    else if (has_more)
      add(Part::kMoreSeen, trusted_seen(model_), nullptr, false);
    if (!request_.history && !(has_more && model_.source.is_none()))
      add(Part::kSeen, trusted_source(model_), nullptr, false);
  }
}

bool SpreadEvaluation::has_errors() const { return model_.feedback == Feedback::kExplicit; }

/// The items, and the mean rating of each, on their way to all nodes.
std::vector<Param> SpreadEvaluation::item_means() const {
  const LoadedFactors& items = served_.side(Side::kItems);
  std::vector<Datum> ids;
  for (std::uint32_t i = 0; i < items.size(); ++i) ids.push_back(items.ids().id(i));
  return {server([&] { return id_array(items.type(), ids); }), float8_array_param(*item_means_)};
}

/// Citus groups a source that is distributed by user where the rows are, and sends the groups on.
void SpreadEvaluation::pack(Packed& packed) {
  const IdType& user = served_.id_type(Side::kUsers);
  const IdType& item = served_.id_type(Side::kItems);
  const DescribedSource& source = packed.source;
  const bool has_means = packed.part == Part::kTest && item_means_;
  packed.table = prefix_ + name_of(packed.part);
  create_table_beside_users(packed.table,
                            ", items " + array_type_name(item) +
                                (packed.has_ratings ? ", ratings pg_catalog._float8" : "") +
                                (has_means ? ", means pg_catalog._float8" : ""),
                            model_, user);

  const std::string from =
      "(select " + quoted(source.user_col) + " as rated_by, " + quoted(source.item_col) +
      " as rated_item" +
      (packed.has_ratings ? ", " + source.rating_as_float8() + " as rated" : "") + " from " +
      source.from_clause() + ") ratings";
  std::string means;
  std::string joins;
  std::vector<Param> params;
  if (has_means) {
    // By a name that is nowhere in a query of the caller's.
    const std::string of_items = scratch_prefix() + "means";
    means = "with " + of_items +
            " as materialized (select * from rows from (pg_catalog.unnest($1), "
            "pg_catalog.unnest($2)) as all_means (mean_of, mean)) ";
    joins = " left join " + of_items + " on " +
            server([&] { return equals_condition(item, "mean_of", "rated_item"); });
    params = item_means();
  }
  std::string condition = "rated_by is not null and rated_item is not null";
  if (packed.has_ratings) condition += " and rated is not null";
  // Of others than the users of the test nothing is asked.
  if (packed.part != Part::kTest && lies_beside_users(source, model_))
    condition += " and exists (select from (select user_id as tested from " +
                 packed_.front().table + ") tested where " +
                 server([&] { return equals_condition(user, "tested", "rated_by"); }) + ")";
  SourceNames names(source);
  execute("insert into " + packed.table + " " + means + "select rated_by, pg_catalog.array_agg(" +
              as_element("rated_item", item) + ")" +
              (packed.has_ratings
                   ? ", pg_catalog.array_agg(als._checked_rating(rated_by, rated_item, rated))"
                   : "") +
              (has_means ? ", pg_catalog.array_agg(mean)" : "") + " from " + from + joins +
              " where " + condition + " group by rated_by",
          params);
  names.end();
}

/// The users of the test, with what else is known of them.
std::string SpreadEvaluation::packed_by_user() const {
  const IdType& user = served_.id_type(Side::kUsers);
  std::string from;
  const auto join = [&](const std::string& query, const std::string& id) {
    from += " left join (" + query + ") of_" + id + " on " +
            server([&] { return equals_condition(user, "tested", id.c_str()); });
  };
  for (const Packed& packed : packed_) {
    const std::string what = name_of(packed.part);
    const std::string columns = "items as " + what + "_items" +
                                (packed.has_ratings ? ", ratings as " + what + "_ratings" : "");
    if (packed.part == Part::kTest)
      from = " from (select user_id as tested, " + columns + (item_means_ ? ", means" : "") +
             " from " + packed.table + ") test";
    else
      join("select user_id as " + what + "_by, " + columns + " from " + packed.table, what + "_by");
  }
  if (!request_.history)
    join("select user_id as known, factors, bias, n_ratings from " +
             locked_name(model_.factor_tables.users.named),
         "known");
  return from;
}

std::string SpreadEvaluation::measure_arguments(const std::string& model,
                                                const std::vector<std::size_t>& least) const {
  std::string lowest = "null::pg_catalog.float4";
  std::string highest = lowest;
  if (request_.clip) {
    const RatingScale scale = model_.rating_scale();
    lowest = real_literal(scale.lowest);
    highest = real_literal(scale.highest);
  }
  return model + ", " + integers_literal(request_.cutoffs) + ", " + lowest + ", " + highest + ", " +
         (least.empty() ? "null::pg_catalog._int4" : integers_literal(least));
}

SpreadEvaluation::Call SpreadEvaluation::tested(const std::vector<std::size_t>& least) const {
  const std::string type = array_type_name(served_.id_type(Side::kItems));
  const auto has = [&](Part part) {
    return std::any_of(packed_.begin(), packed_.end(),
                       [&](const Packed& packed) { return packed.part == part; });
  };
  const auto items_of = [&](Part part) {
    return has(part) ? name_of(part) + "_items" : "null::" + type;
  };
  const std::string factors =
      request_.history ? "null::pg_catalog._float4, null::pg_catalog.float4, null::pg_catalog.int4"
                       : "factors, bias, n_ratings";
  const std::string history = items_of(Part::kHistory) + ", " +
                              (request_.history ? "history_ratings" : "null::pg_catalog._float8");
  const std::string seen =
      request_.history && request_.exclude_seen ? "history_items" : items_of(Part::kSeen);
  const std::string candidates = has(Part::kCandidates)
                                     ? "coalesce(candidates_items, '{}'::" + type + ")"
                                     : items_of(Part::kCandidates);
  const std::string min_rating = request_.min_rating
                                     ? format("'%.17g'::pg_catalog.float8", *request_.min_rating)
                                     : "null::pg_catalog.float8";
  const std::string model = server([&] { return quote_literal_cstr(model_.name.c_str()); }) +
                            std::string("::pg_catalog.regclass");
  return {"als._tested_user(" + model + ", " + factors + ", test_items, test_ratings, " +
              (item_means_ ? "means" : "null::pg_catalog._float8") + ", " + history + ", " + seen +
              ", " + items_of(Part::kMoreSeen) + ", " + candidates + ", " + min_rating + ")",
          measure_arguments(model, least), packed_by_user()};
}

/// What comes of each user, in a table.
std::string SpreadEvaluation::keep_measured(const Call& call) const {
  std::string table = prefix_ + "measured";
  create_table_beside_users(table, ", result pg_catalog.bytea", model_,
                            served_.id_type(Side::kUsers));
  execute("insert into " + table + " select tested, als._measured_user(" + call.user + ", " +
          call.measure + ")" + call.from);
  return table;
}

/// query: of all sums.
void SpreadEvaluation::read_sums(const std::string& query, std::size_t groups) {
  for_each_current_row(query, {BYTEAOID}, [&](TupleTableSlot* slot) {
    if (!slot->tts_isnull[0]) memory_ = view_of_bytea(slot->tts_values[0]);
  });
  if (!memory_.empty()) sums_ = open_evaluation(memory_.data(), memory_.size());

  std::size_t relevant = 0;
  std::size_t left_out = 0;
  for (std::size_t g = 0; g < groups; ++g) {
    relevant += sums_of(g).relevant;
    left_out += sums_of(g).left_out;
  }
  report_left_out(left_out, relevant);
}

void SpreadEvaluation::pack_all() {
  check_nodes();
  prefix_ = schema_ + "." + scratch_prefix();
  progress_.enter(Phase::kReading);
  for (Packed& packed : packed_) pack(packed);
  progress_.enter(Phase::kScoring);
}

/// The user of the test with the most rows comes to this node.
void SpreadEvaluation::look_for_trained_rows() const {
  if (!looks_for_trained_rows(request_, model_)) return;
  const IdType& user = served_.id_type(Side::kUsers);
  const IdType& item = served_.id_type(Side::kItems);
  const IdIndex& items = served_.side(Side::kItems).ids();
  IdDictionary users(&user);
  std::vector<std::uint32_t> numbers;
  for_each_current_row(
      "select user_id, pg_catalog.unnest(items) from (select user_id, items from " +
          packed_.front().table +
          " order by pg_catalog.cardinality(items) desc, user_id limit 1) most",
      {user.oid, item.oid}, [&](TupleTableSlot* slot) {
        server([&] {
          guard([&] {
            users.find_or_add(slot->tts_values[0]);
            numbers.push_back(items.find(slot->tts_values[1]));
          });
        });
      });
  if (users.size() == 0) return;
  tell_of_trained_rows(served_, {users.id(0), std::move(numbers)});
}

void SpreadEvaluation::drop_packed() const {
  for (const Packed& packed : packed_) execute("drop table " + packed.table);
}

void SpreadEvaluation::run(const std::vector<std::size_t>& least,
                           const std::optional<std::string>& per_user) {
  if (has_errors()) item_means_ = pg::item_means(served_);
  pack_all();
  const Call call = tested(least);
  const std::size_t groups = std::max<std::size_t>(least.size(), 1);
  if (per_user) {
    PerUserTable table(*per_user, served_.id_type(Side::kUsers));
    table.spread(model_);
    const std::string kept = keep_measured(call);
    table.append("select user_id, metric, k, value, baseline from " + kept +
                 " cross join lateral als._measured_metrics(result, " +
                 (has_errors() ? "true" : "false") + ", " + (item_means_ ? "true" : "false") +
                 ") metrics");
    read_sums(sum_of_kept(kept), groups);
    execute("drop table " + kept);
  } else {
    read_sums("select als._sum_tested(" + call.user + ", " + call.measure + ")" + call.from,
              groups);
  }
  look_for_trained_rows();
  drop_packed();
}

std::string SpreadEvaluation::keep_results() {
  pack_all();
  // In a group, so that no lists are kept.
  std::string kept = keep_measured(tested({0}));
  read_sums(sum_of_kept(kept), 1);
  look_for_trained_rows();
  drop_packed();
  return kept;
}

EvaluationSums SpreadEvaluation::sums_of(std::size_t group) const {
  return sums_ ? group_of(*sums_, group) : EvaluationSums(request_.cutoffs.size());
}

std::vector<Measurement> SpreadEvaluation::measurements() const {
  std::vector<Measurement> result;
  const EvaluationSums sums = sums_of(0);
  result.push_back(share_of("coverage", sums.predictable, sums.rows));
  if (has_errors()) add_prediction_errors(sums.errors, item_means_.has_value(), result);
  if (request_.cutoffs.empty()) return result;

  const std::size_t items = served_.side(Side::kItems).size();
  RankingMetrics model = sums.ranking.mean();
  RankingMetrics popular = sums.popular.mean();
  for (std::size_t c = 0; sums_ && c < request_.cutoffs.size(); ++c) {
    const auto share = [&](FlatEvaluation::Lists lists) {
      return static_cast<double>(sums_->covered(lists, c)) /
             static_cast<double>(std::max<std::size_t>(items, 1));
    };
    model.at[c].catalog_coverage = share(FlatEvaluation::Lists::kOfModel);
    popular.at[c].catalog_coverage = share(FlatEvaluation::Lists::kMostPopular);
  }
  result.push_back(share_of("user_coverage", model.users, sums.users));
  add_ranking_metrics(model, popular, request_.cutoffs, items, result);
  return result;
}

std::vector<Measurement> SpreadEvaluation::group_measurements(std::size_t group) const {
  return pg::group_measurements(sums_of(group), has_errors(), item_means_.has_value(),
                                request_.cutoffs);
}

}  // namespace als::pg
