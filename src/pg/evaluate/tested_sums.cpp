// als._sum_tested: what an evaluation comes to for all users of a node, which are ranked in blocks.
//
//   als._tested_user -> TestedSums: users wait for a block -> UserMeasurer -> FlatEvaluation
//
// The state is an expanded object, a bytea to everybody else: whoever asks for its bytes has the
// users that still wait ranked. So an engine that takes a state to another machine takes sums.

#include "pg/evaluate/flat_bytes.h"
#include "pg/evaluate/user_measurer.h"
#include "pg/server/kept_object.h"

namespace als::pg {

namespace {

namespace sum_arg {
enum Argument { kState, kTested, kModel, kMeasure };
}  // namespace sum_arg

std::size_t checked_bytes(const FlatEvaluation::Shape& shape) {
  const std::size_t bytes = FlatEvaluation::bytes(shape);
  if (!AllocSizeIsValid(VARHDRSZ + bytes))
    throw UserError(ERRCODE_PROGRAM_LIMIT_EXCEEDED,
                    format("a value of %zu bytes is larger than 1 GB", bytes), kHintOnSize);
  return bytes;
}

class TestedSums {
 public:
  TestedSums(std::shared_ptr<ServedModel> served, Measure measure)
      : measurer_(std::move(served), std::move(measure)),
        memory_(checked_bytes(measurer_.shape()), 0),
        sums_(measurer_.shape(), memory_.data()) {}

  void add(FunctionCallInfo fcinfo) {
    waiting_.push_back(measurer_.tested_arg(fcinfo, sum_arg::kTested));
    if (waiting_.size() == UserMeasurer::kBlock) measure();
  }

  const std::string& bytes() {
    measure();
    return memory_;
  }

 private:
  void measure() {
    for (const MeasuredUser& user : measurer_.run(waiting_)) sums_.add(user);
    waiting_.clear();
  }

  UserMeasurer measurer_;
  std::string memory_;
  FlatEvaluation sums_;
  std::vector<TestedUser> waiting_;
};

/// The header comes first, as the server wants it.
struct ExpandedSums {
  ExpandedObjectHeader header;
  TestedSums* sums;
};

TestedSums& sums_of(ExpandedObjectHeader* object) {
  return *reinterpret_cast<ExpandedSums*>(object)->sums;
}

Size flat_size(ExpandedObjectHeader* object) {
  return guard([&]() -> Size { return VARHDRSZ + sums_of(object).bytes().size(); });
}

void flatten(ExpandedObjectHeader* object, void* result, Size size) {
  guard([&] {
    const std::string& bytes = sums_of(object).bytes();
    SET_VARSIZE(result, size);
    std::memcpy(VARDATA(result), bytes.data(), bytes.size());
  });
}

constexpr ExpandedObjectMethods kMethods{flat_size, flatten};

ExpandedSums* new_state(FunctionCallInfo fcinfo, MemoryContext aggregate) {
  require_arg(fcinfo, sum_arg::kModel, "model");
  auto* state = server([&] {
    MemoryContext context =
        AllocSetContextCreate(aggregate, "als tested users", ALLOCSET_SMALL_SIZES);
    auto* made = static_cast<ExpandedSums*>(MemoryContextAllocZero(context, sizeof(ExpandedSums)));
    EOH_init_header(&made->header, &kMethods, context);
    return made;
  });
  state->sums =
      keep_in<TestedSums>(state->header.eoh_context, serve_model(PG_GETARG_OID(sum_arg::kModel)),
                          measure_args(fcinfo, sum_arg::kMeasure));
  return state;
}

ExpandedSums* state_arg(FunctionCallInfo fcinfo) {
  const Datum value = PG_GETARG_DATUM(sum_arg::kState);
  if (VARATT_IS_EXTERNAL_EXPANDED_RW(DatumGetPointer(value)) &&
      DatumGetEOHP(value)->eoh_methods == &kMethods)
    return reinterpret_cast<ExpandedSums*>(DatumGetEOHP(value));
  throw UserError(ERRCODE_INVALID_PARAMETER_VALUE, "a state that als._add_tested has not made",
                  "als._sum_tested calls it.");
}

}  // namespace

}  // namespace als::pg

ALS_SQL_FUNCTION(als_add_tested)

/// als._add_tested(sums bytea, tested bytea, model regclass, cutoffs int[], lowest real, highest
/// real, activity int[]): bytea
Datum als_add_tested(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  return guard([&]() -> Datum {
    MemoryContext aggregate = aggregate_context(fcinfo);
    if (PG_ARGISNULL(sum_arg::kTested)) {
      if (PG_ARGISNULL(sum_arg::kState)) PG_RETURN_NULL();
      return PG_GETARG_DATUM(sum_arg::kState);
    }
    ExpandedSums* state =
        PG_ARGISNULL(sum_arg::kState) ? new_state(fcinfo, aggregate) : state_arg(fcinfo);
    state->sums->add(fcinfo);
    return EOHPGetRWDatum(&state->header);
  });
}
