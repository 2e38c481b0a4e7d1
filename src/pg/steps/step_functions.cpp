// The steps over chunks: a half-step of their users, and what they add to each item.

#include "core/parts/users_step.h"
#include "core/train/initial_factors.h"
#include "pg/server/interrupts.h"
#include "pg/server/settings.h"
#include "pg/steps/kept_chunks.h"
#include "pg/steps/kept_sums.h"
#include "pg/steps/kept_users.h"
#include "pg/steps/known_factors.h"

namespace als::pg {

namespace {

/// Lets a team's helpers go at the end of a call: a query may have many calls, and groups, with a
/// team each.
class RestAfter {
 public:
  explicit RestAfter(ThreadTeam& team) : team_(team) {}
  ~RestAfter() { team_.rest(); }
  RestAfter(const RestAfter&) = delete;
  RestAfter& operator=(const RestAfter&) = delete;

 private:
  ThreadTeam& team_;
};

/// The half-step that the block of this session is of.
struct UsersWork {
  UsersWork(std::shared_ptr<const KeptBlock> its_block, int threads)
      : team(interruptible_team(threads)),
        block(std::move(its_block)),
        users(block->step, block->block, team) {}

  ThreadTeam team;
  std::shared_ptr<const KeptBlock> block;
  UsersStep users;
};

/// What the function keeps from chunk to chunk of a query.
struct KeptWork {
  std::unique_ptr<UsersWork> work;
};

UsersWork& users_work(FunctionCallInfo fcinfo, int threads) {
  FmgrInfo* function = fcinfo->flinfo;
  if (function->fn_extra == nullptr) function->fn_extra = keep_in<KeptWork>(function->fn_mcxt);
  std::unique_ptr<UsersWork>& work = static_cast<KeptWork*>(function->fn_extra)->work;
  std::shared_ptr<const KeptBlock> block = kept_block();
  if (work == nullptr || work->block != block) {
    work.reset();
    work = std::make_unique<UsersWork>(std::move(block), threads);
  }
  return *work;
}

/// The state of als._part_sums: a pointer, as what the aggregate gathers goes on in the session.
using SumsState = std::unique_ptr<SumsOfPart>;

}  // namespace

}  // namespace als::pg

ALS_SQL_FUNCTION(als_start_users)
ALS_SQL_FUNCTION(als_step_users)
ALS_SQL_FUNCTION(als_user_report)
ALS_SQL_FUNCTION(als_add_to_sums)
ALS_SQL_FUNCTION(als_sums_bytes)

/// als._start_users(training bytea, chunk bytea, known bytea): bytea, as als._step_users
Datum als_start_users(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  return guard_step(fcinfo, [&] {
    const als::PartsTraining training = als::PartsTraining::read(bytes_arg(fcinfo, 0, "training"));
    const std::shared_ptr<als::WeighedChunk> chunk = unpacked_by_user(StoredChunk(fcinfo, 1));
    const als::ByteView known = bytes_or_nothing(fcinfo, 2);
    als::ThreadTeam team = interruptible_team(default_threads());
    als::Factors users = als::zero_factors(chunk->facts.users, training.options, team);
    if (!known.empty()) put_known(known, users);
    const als::UsersStep::Result result =
        als::first_users(training, *chunk, std::move(users), team);
    return PointerGetDatum(bytea_of_pair(result.report, result.users));
  });
}

/// als._step_users(chunk bytea, users bytea, threads int): bytea, what they report and the users
Datum als_step_users(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  return guard_step(fcinfo, [&] {
    UsersWork& work = users_work(fcinfo, threads_arg(fcinfo, 2));
    const RestAfter rest(work.team);
    als::UsersStep& step = work.users;
    const StoredChunk chunk(fcinfo, 0);
    if (step.is_last()) forget_by_item(chunk);
    std::optional<als::ChunkUsers> users;
    if (!PG_ARGISNULL(1)) users = UsersArg(fcinfo, 1).take();
    als::UsersStep::Stepped result =
        step.run(*unpacked_by_user(chunk), std::move(users), chunk.held_out());
    return store_users(std::move(result.users), result.report);
  });
}

/// als._user_report(users bytea): bytea
Datum als_user_report(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  return guard_bytes([&] {
    // The length first, so that the users stay where they are.
    const als::ByteView head = slice_arg(fcinfo, 0, "users", 0, sizeof(std::uint64_t));
    std::uint64_t length = 0;
    if (head.size() == sizeof(length)) std::memcpy(&length, head.data(), sizeof(length));
    if (head.size() != sizeof(length) || length > MaxAllocSize / 2)
      throw als::InvalidBytes("these bytes are no users");
    return bytea_datum(read_pair(slice_arg(fcinfo, 0, "users", 0, sizeof(length) + length)).first);
  });
}

/// als._add_to_sums(state internal, part int, chunk bytea, users bytea, threads int): internal
Datum als_add_to_sums(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  PG_RETURN_POINTER(guard_bytes([&] {
    SumsState* state = AggregateState<SumsState>::of_or_made(fcinfo, [&](MemoryContext context) {
      return keep_in<SumsState>(context, std::make_unique<SumsOfPart>(number_arg(fcinfo, 1, "part"),
                                                                      threads_arg(fcinfo, 4)));
    });
    const RestAfter rest((*state)->team);
    (*state)->sums.add(*unpacked_by_item(StoredChunk(fcinfo, 2)), UsersArg(fcinfo, 3).users());
    return state;
  }));
}

/// als._sums_bytes(state internal): bytea, see kept_sums.h
Datum als_sums_bytes(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  if (PG_ARGISNULL(0)) PG_RETURN_NULL();
  return guard_bytes(
      [&] { return store_part_sums(std::move(*AggregateState<SumsState>::of(fcinfo))); });
}
