// The two bridges between C++ exceptions and server errors.
//
// Outbound: no C++ exception may cross an extern "C" function. Every entry point runs its body in
// guard(), which ends in a catch-all, leaves the catch block, and only then raises the error.
//
// Inbound: no server call may longjmp over a C++ object with a destructor. Code that has such
// objects calls the server through server(), which copies the error and throws it as ServerError. A
// C++ exception of the code that runs in there comes out of it too, once the server's own handler
// of errors is back in place.
#pragma once

#include <type_traits>

#include "pg/server/pg.h"

namespace als::pg {

/// A server error on its way through C++ frames, to be raised again as it was.
class ServerError : public std::exception {
 public:
  explicit ServerError(ErrorData* data) : data(data) {}
  const char* what() const noexcept override { return data->message; }
  ErrorData* data;
};

/// A mistake of the user's: what was wrong, with the value, and what to do about it.
class UserError : public std::exception {
 public:
  UserError(int sqlstate, std::string message, std::string hint = "", std::string detail = "")
      : sqlstate(sqlstate),
        message(std::move(message)),
        hint(std::move(hint)),
        detail(std::move(detail)) {}
  const char* what() const noexcept override { return message.c_str(); }
  int sqlstate;
  std::string message;
  std::string hint;
  std::string detail;
};

/// std::string by printf rules, with the C library's formats.
std::string format(const char* pattern, ...) __attribute__((format(printf, 1, 2)));

/// A number in as few digits as tell it from all others.
std::string shortest(double number);

/// What is known of a failed call once its exceptions are gone: trivially destructible, so that
/// raising it may longjmp.
struct Failure {
  bool failed = false;
  ErrorData* server = nullptr;
  int sqlstate = 0;
  char message[1024];
  char detail[1024];
  char hint[1024];
};

/// Describes the exception being handled. Call it in a catch block.
void describe_current_exception(Failure& failure) noexcept;

/// Raises the failure as a server error; does not return.
[[noreturn]] void raise(const Failure& failure);

/// Runs `body` at an entry point: any exception becomes a server error.
template <class Body>
auto guard(Body&& body) -> decltype(body()) {
  Failure failure;
  try {
    return body();
  } catch (...) {
    describe_current_exception(failure);
  }
  raise(failure);
}

/// Runs `body` where the server has no use for an error, such as when a transaction has ended.
/// Whatever goes wrong ends `body`, and nothing else.
template <class Body>
void guard_silently(Body&& body) noexcept {
  try {
    body();
  } catch (...) {  // nobody is there to hear of it
  }
}

/// Calls f(argument), which must not throw. Throws the error that it raised.
void throw_server_error(void (*f)(void*), void* argument);

/// Calls the server: an error it raises becomes a ServerError, an exception comes through as it is.
/// `body` must have no objects with destructors of its own.
template <class Body>
auto server(Body&& body) -> decltype(body()) {
  using Result = decltype(body());
  if constexpr (std::is_void_v<Result>) {
    struct Call {
      std::remove_reference_t<Body>* body;
      std::exception_ptr exception;
    } call{&body, nullptr};
    throw_server_error(
        [](void* argument) {
          auto* running = static_cast<Call*>(argument);
          try {
            (*running->body)();
          } catch (...) {
            running->exception = std::current_exception();
          }
        },
        &call);
    if (call.exception != nullptr) std::rethrow_exception(call.exception);
  } else {
    static_assert(std::is_trivially_destructible_v<Result>, "a longjmp would leak the result");
    Result result{};
    server([&] { result = body(); });
    return result;
  }
}

/// Whether an error ends the call, whatever it was at: it is cancelled, has waited for too long, or
/// must be run again.
bool ends_call(const ServerError& error);

/// Goes on after an error that is not to be raised again, and tells the server's log what that
/// means. Releases the lightweight locks that the failed call held, as the abort that is not to
/// come would: so none may be held here.
void go_on_after(const ServerError& error, const char* consequence);

}  // namespace als::pg
