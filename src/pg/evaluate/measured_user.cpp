// als._measured_user: what an evaluation comes to for one user, where that is to be kept by user.

#include "pg/evaluate/flat_bytes.h"
#include "pg/evaluate/user_measurer.h"
#include "pg/server/kept_object.h"
#include "pg/sql/bytea_value.h"

namespace als::pg {

namespace {

namespace measured_arg {
enum Argument { kTested, kModel, kMeasure };
}  // namespace measured_arg

/// What is made once for all users of a query.
struct KeptMeasurer {
  std::unique_ptr<UserMeasurer> measurer;
};

UserMeasurer& measurer_of(FunctionCallInfo fcinfo) {
  FmgrInfo* function = fcinfo->flinfo;
  if (function->fn_extra == nullptr) function->fn_extra = keep_in<KeptMeasurer>(function->fn_mcxt);
  std::unique_ptr<UserMeasurer>& measurer =
      static_cast<KeptMeasurer*>(function->fn_extra)->measurer;
  std::shared_ptr<ServedModel> served = serve_model(PG_GETARG_OID(measured_arg::kModel));
  Measure measure = measure_args(fcinfo, measured_arg::kMeasure);
  if (measurer == nullptr || !measurer->is_for(served.get(), measure)) {
    measurer.reset();
    measurer = std::make_unique<UserMeasurer>(std::move(served), std::move(measure));
  }
  return *measurer;
}

}  // namespace

}  // namespace als::pg

ALS_SQL_FUNCTION(als_measured_user)

/// als._measured_user(tested bytea, model regclass, cutoffs int[], lowest real, highest real,
/// activity int[]): bytea
Datum als_measured_user(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  if (PG_ARGISNULL(measured_arg::kTested) || PG_ARGISNULL(measured_arg::kModel)) PG_RETURN_NULL();
  return guard([&] {
    UserMeasurer& measurer = measurer_of(fcinfo);
    const std::string measured =
        measurer.run({measurer.tested_arg(fcinfo, measured_arg::kTested)}).front().bytes();
    return PointerGetDatum(bytea_of({measured}, kHintOnSize));
  });
}
