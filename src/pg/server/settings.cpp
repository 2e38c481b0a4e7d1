// Defines the als.* settings, and reads them.
#include "pg/server/settings.h"

#include "core/base/limits.h"
#include "core/base/machine_limits.h"
#include "core/kernels/simd_level.h"
#include "pg/server/guard.h"

namespace als::pg {

namespace {
int threads_setting = 0;
int threads_limit_setting = kMaxThreads;
int max_memory_setting = -1;        // kB
int max_memory_limit_setting = -1;  // kB
int cache_size_setting = 1 << 20;   // kB
bool verbose_setting = false;
int simd_setting = 0;

const config_enum_entry kSimdLevels[] = {
    {"baseline", static_cast<int>(SimdLevel::kBaseline), false},
    {"avx2", static_cast<int>(SimdLevel::kAvx2), false},
    {"avx512", static_cast<int>(SimdLevel::kAvx512), false},
    {nullptr, 0, false}};

bool check_simd(int* value, void**, GucSource) {
  if (is_available(static_cast<SimdLevel>(*value))) return true;
  GUC_check_errdetail("This processor does not have these instructions.");
  return false;
}

void assign_simd(int value, void*) { set_simd_level(static_cast<SimdLevel>(value)); }

std::size_t wanted_memory() {
  if (max_memory_setting >= 0) return static_cast<std::size_t>(max_memory_setting) * 1024;
  static const std::size_t usable = usable_memory();  // asked for again and again
  return usable / 2;
}

int wanted_threads() {
  if (threads_setting > 0) return threads_setting;
  static const int usable = usable_processors();  // likewise
  return std::min(usable, kMaxThreads);
}

std::size_t memory_limit() { return static_cast<std::size_t>(max_memory_limit_setting) * 1024; }

/// The one setting that everything depends on that computes with vectors, so serving, too.
void define_simd() {
  DefineCustomEnumVariable("als.simd", "Vector instructions that als uses.",
                           "The widest that the processor has, unless set lower. Results depend on "
                           "it in their last bits.",
                           &simd_setting, static_cast<int>(simd_level()), kSimdLevels, PGC_USERSET,
                           0, check_simd, assign_simd, nullptr);
}

void define_other_settings() {
  DefineCustomIntVariable("als.threads",
                          "Threads of a training, tuning, refresh, evaluation or "
                          "als.recommend_all, unless the call names a number.",
                          "0 means one for each processor that the server process may use.",
                          &threads_setting, 0, 0, kMaxThreads, PGC_USERSET, 0, nullptr, nullptr,
                          nullptr);
  DefineCustomIntVariable(
      "als.max_memory", "Memory that one long call of als may use; more is refused.",
      "-1 means half of the memory of the machine or container.", &max_memory_setting, -1, -1,
      MAX_KILOBYTES, PGC_USERSET, GUC_UNIT_KB, nullptr, nullptr, nullptr);
  DefineCustomIntVariable("als.threads_limit", "The most threads of a call, whatever it asks for.",
                          nullptr, &threads_limit_setting, kMaxThreads, 1, kMaxThreads, PGC_SUSET,
                          0, nullptr, nullptr, nullptr);
  DefineCustomIntVariable("als.max_memory_limit",
                          "The most memory that als.max_memory allows, whatever it is set to.",
                          "-1 means no limit.", &max_memory_limit_setting, -1, -1, MAX_KILOBYTES,
                          PGC_SUSET, GUC_UNIT_KB, nullptr, nullptr, nullptr);
  DefineCustomIntVariable(
      "als.cache_size", "Shared memory for models that are being served.",
      "Models that do not fit push out those not used for longest. 0 keeps them "
      "in each session's own memory.",
      &cache_size_setting, 1 << 20, 0, MAX_KILOBYTES, PGC_SUSET, GUC_UNIT_KB, nullptr, nullptr,
      nullptr);
  DefineCustomBoolVariable("als.verbose", "Report each training iteration at NOTICE.",
                           "Otherwise they are reported at DEBUG1.", &verbose_setting, false,
                           PGC_USERSET, 0, nullptr, nullptr, nullptr);
  reserve_setting_prefix("als");
}

bool others_are_defined = false;

/// A server call.
void define_others_once() {
  if (others_are_defined) return;
  define_other_settings();
  others_are_defined = true;
}

void know_other_settings() {
  if (!others_are_defined) server([] { define_others_once(); });
}

#if PG_VERSION_NUM < 160000
/// Whether the module is loaded because a query calls one of its functions: not to be preloaded, by
/// LOAD or CREATE EXTENSION, or for a parallel worker, which has its leader's settings.
bool is_loaded_by_query() {
  if (!IsUnderPostmaster || !IsTransactionState() || IsParallelWorker()) return false;
  return ActivePortal == nullptr || ActivePortal->commandTag == CMDTAG_SELECT;
}

/// Whether somebody has set what no module has defined yet.
bool some_are_set() {
  config_generic** all = get_guc_variables();
  return std::any_of(all, all + GetNumConfigOptions(), [](const config_generic* setting) {
    return (setting->flags & GUC_CUSTOM_PLACEHOLDER) != 0 &&
           pg_strncasecmp(setting->name, "als.", 4) == 0;
  });
}

ExecutorStart_hook_type next_executor_start = nullptr;

void start_executor(QueryDesc* query, int flags) {
  if (query->plannedstmt->parallelModeNeeded) define_others_once();
  if (next_executor_start != nullptr)
    next_executor_start(query, flags);
  else
    standard_ExecutorStart(query, flags);
}

/// The server sorts all settings anew for each that is defined: 50 to 70 microseconds, and most
/// sessions only serve. But what has been set before must be known before workers start: after that
/// no setting takes such a value, and workers take over what has been set as it is, wrong or not.
bool others_can_wait() {
  if (!is_loaded_by_query() || some_are_set()) return false;
  next_executor_start = std::exchange(ExecutorStart_hook, start_executor);
  return true;
}
#else
bool others_can_wait() { return false; }
#endif

}  // namespace

void define_settings() {
  define_simd();
  if (!others_can_wait()) define_others_once();
}

int default_threads() {
  const int limit = threads_limit();
  return std::min(wanted_threads(), limit);
}

int threads_limit() {
  know_other_settings();
  return threads_limit_setting;
}

std::size_t max_memory() { return memory_is_limited() ? memory_limit() : wanted_memory(); }

bool memory_is_limited() {
  know_other_settings();
  return max_memory_limit_setting >= 0 && memory_limit() < wanted_memory();
}

std::size_t cache_size() {
  // Where nobody has set it, serving need not define it. (Empty: what has been set was reset.)
  if (!others_are_defined) {
    const char* set = GetConfigOption("als.cache_size", true, false);
    if (set != nullptr && *set != '\0') know_other_settings();
  }
  return static_cast<std::size_t>(cache_size_setting) * 1024;
}

bool verbose() {
  know_other_settings();
  return verbose_setting;
}

}  // namespace als::pg
