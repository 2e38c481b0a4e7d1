// The steps over chunks: a half-step of their users, and what they add to each item.

#include "core/parts/part_sums.h"
#include "core/parts/users_step.h"
#include "core/train/initial_factors.h"
#include "pg/server/interrupts.h"
#include "pg/server/settings.h"
#include "pg/steps/kept_chunks.h"
#include "pg/steps/kept_users.h"
#include "pg/steps/known_factors.h"

namespace als::pg {

namespace {

/// A half-step of users with a block that is unpacked already.
struct UsersWork {
  UsersWork(ByteView step, ByteView pieces, int threads)
      : fingerprint(ItemBlock::fingerprint(pieces)),
        size(pieces.size()),
        step_bytes(step),
        team(interruptible_team(threads)) {
    block.add(pieces);
    users.emplace(step_bytes, block, team);
  }

  bool is_for(ByteView step, ByteView pieces) const {
    return size == pieces.size() && fingerprint == ItemBlock::fingerprint(pieces) &&
           step_bytes == step;
  }

  std::uint64_t fingerprint;
  std::size_t size;
  Bytes step_bytes;
  ThreadTeam team;
  ItemBlock block;
  std::optional<UsersStep> users;
};

/// What the function keeps from chunk to chunk of a query.
struct KeptWork {
  std::unique_ptr<UsersWork> work;
};

UsersStep& users_step(FunctionCallInfo fcinfo, ByteView step, ByteView pieces, int threads) {
  FmgrInfo* function = fcinfo->flinfo;
  if (function->fn_extra == nullptr) function->fn_extra = keep_in<KeptWork>(function->fn_mcxt);
  std::unique_ptr<UsersWork>& work = static_cast<KeptWork*>(function->fn_extra)->work;
  if (work == nullptr || !work->is_for(step, pieces)) {
    work.reset();
    work = std::make_unique<UsersWork>(step, pieces, threads);
  }
  return *work->users;
}

struct SumsWork {
  SumsWork(ByteView pieces, std::uint32_t part, int threads) : team(interruptible_team(threads)) {
    ItemBlock block;
    block.add(pieces);
    sums.emplace(std::move(block), part, team);
  }
  Bytes bytes() const { return sums->bytes(); }

  ThreadTeam team;
  std::optional<PartSums> sums;
};

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
  return guard_bytes([&] {
    const als::PartsTraining training = als::PartsTraining::read(bytes_arg(fcinfo, 0, "training"));
    const std::shared_ptr<const als::ChunkByUser> chunk = unpacked_by_user(StoredChunk(fcinfo, 1));
    const als::ByteView known = bytes_or_nothing(fcinfo, 2);
    als::ThreadTeam team = interruptible_team(default_threads());
    als::Factors users = als::zero_factors(chunk->facts.users, training.options, team);
    if (!known.empty()) put_known(known, users);
    const als::UsersStep::Result result =
        als::first_users(training, *chunk, std::move(users), team);
    return PointerGetDatum(bytea_of_pair(result.report, result.users));
  });
}

/// als._step_users(step bytea, block bytea, chunk bytea, users bytea, threads int): bytea, what
/// they report and the users
Datum als_step_users(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  return guard_bytes([&] {
    als::UsersStep& step = users_step(fcinfo, bytes_arg(fcinfo, 0, "step"),
                                      bytes_arg(fcinfo, 1, "block"), threads_arg(fcinfo, 4));
    const StoredChunk chunk(fcinfo, 2);
    std::optional<als::ChunkUsers> users;
    if (!PG_ARGISNULL(3)) users = UsersArg(fcinfo, 3).take();
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

/// als._add_to_sums(state internal, block bytea, part int, chunk bytea, users bytea, threads int):
/// internal
Datum als_add_to_sums(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  PG_RETURN_POINTER(guard_bytes([&] {
    SumsWork* work = AggregateState<SumsWork>::of_or_made(fcinfo, [&](MemoryContext context) {
      return keep_in<SumsWork>(context, bytes_arg(fcinfo, 1, "block"),
                               number_arg(fcinfo, 2, "part"), threads_arg(fcinfo, 5));
    });
    work->sums->add(*unpacked_by_item(StoredChunk(fcinfo, 3)), UsersArg(fcinfo, 4).users());
    return work;
  }));
}

/// als._sums_bytes(state internal): bytea
Datum als_sums_bytes(PG_FUNCTION_ARGS) {
  return als::pg::AggregateState<als::pg::SumsWork>::result(fcinfo);
}
