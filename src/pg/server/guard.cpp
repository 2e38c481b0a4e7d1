// Turns exceptions into server errors, and back.
#include "pg/server/guard.h"

#include <cstdarg>
#include <stdexcept>

namespace als::pg {

namespace {

template <std::size_t N>
void copy_text(char (&to)[N], std::string_view from) noexcept {
  std::size_t n = std::min(from.size(), N - 1);
  std::memcpy(to, from.data(), n);
  to[n] = '\0';
}

/// Cuts a text that copy_text may have truncated inside a character.
char* whole_characters(const char* text) {
  int length = static_cast<int>(std::strlen(text));
  return pnstrdup(text, pg_mbcliplen(text, length, length));
}

}  // namespace

std::string format(const char* pattern, ...) {
  va_list args;
  va_start(args, pattern);
  va_list again;
  va_copy(again, args);
  int length = std::vsnprintf(nullptr, 0, pattern, args);
  va_end(args);
  std::string text(static_cast<std::size_t>(std::max(length, 0)) + 1, '\0');
  std::vsnprintf(text.data(), text.size(), pattern, again);
  va_end(again);
  text.pop_back();
  return text;
}

std::string shortest(double number) {
  char buffer[DOUBLE_SHORTEST_DECIMAL_LEN];
  double_to_shortest_decimal_buf(number, buffer);
  return buffer;
}

void describe_current_exception(Failure& failure) noexcept {
  failure.failed = true;
  failure.sqlstate = ERRCODE_INTERNAL_ERROR;
  failure.detail[0] = failure.hint[0] = '\0';
  try {
    throw;
  } catch (const ServerError& e) {
    failure.server = e.data;
  } catch (const UserError& e) {
    failure.sqlstate = e.sqlstate;
    copy_text(failure.message, e.message);
    copy_text(failure.detail, e.detail);
    copy_text(failure.hint, e.hint);
  } catch (const std::bad_alloc&) {
    failure.sqlstate = ERRCODE_OUT_OF_MEMORY;
    copy_text(failure.message, "out of memory in als");
    copy_text(failure.hint, "Lower als.max_memory to be refused before memory runs out.");
  } catch (const std::range_error& e) {
    failure.sqlstate = ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE;
    copy_text(failure.message, e.what());
    copy_text(failure.hint, "Scale the ratings down, or raise the regularization.");
  } catch (const std::exception& e) {
    copy_text(failure.message, e.what());
  } catch (...) {
    copy_text(failure.message, "unknown C++ exception in als");
  }
}

namespace {

/// The error being handled, or null if there is no memory for a copy.
ErrorData* copy_error() {
  ErrorData* volatile copy = nullptr;
  PG_TRY();
  { copy = CopyErrorData(); }
  PG_CATCH();
  { copy = nullptr; }
  PG_END_TRY();
  return copy;
}

}  // namespace

void throw_server_error(void (*f)(void*), void* argument) {
  MemoryContext context = CurrentMemoryContext;
  const uint32 interrupts_held = InterruptHoldoffCount;
  const uint32 cancels_held = QueryCancelHoldoffCount;
  ErrorData* volatile error = nullptr;
  volatile bool failed = false;
  PG_TRY();
  { f(argument); }
  PG_CATCH();
  {
    failed = true;
    MemoryContextSwitchTo(context);
    error = copy_error();
    MemoryContextSwitchTo(context);  // a copy that failed has left it
    FlushErrorState();
    // Raising an error sets these to zero; our callers who hold interrupts off will count them
    // down.
    InterruptHoldoffCount = interrupts_held;
    QueryCancelHoldoffCount = cancels_held;
  }
  PG_END_TRY();
  if (!failed) return;
  if (error == nullptr) throw std::bad_alloc();
  throw ServerError(error);
}

bool ends_call(const ServerError& error) {
  const int category = ERRCODE_TO_CATEGORY(error.data->sqlerrcode);
  return category == ERRCODE_OPERATOR_INTERVENTION || category == ERRCODE_TRANSACTION_ROLLBACK ||
         error.data->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE;
}

void go_on_after(const ServerError& error, const char* consequence) {
  server([&] {
    // Not one by one: they no longer count among what holds interrupts off.
    LWLockReleaseAll();
    ereport(LOG, (errmsg("%s: %s", consequence, error.data->message)));
  });
}

void raise(const Failure& failure) {
  if (failure.server != nullptr) {
    InterruptHoldoffCount = QueryCancelHoldoffCount = 0;
    ReThrowError(failure.server);
  }
  ereport(
      ERROR,
      (errcode(failure.sqlstate), errmsg_internal("%s", whole_characters(failure.message)),
       failure.detail[0] != '\0' ? errdetail_internal("%s", whole_characters(failure.detail)) : 0,
       failure.hint[0] != '\0' ? errhint("%s", whole_characters(failure.hint)) : 0));
  pg_unreachable();
}

}  // namespace als::pg
