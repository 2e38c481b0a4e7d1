// A module of als in which calls can be made to fail, one by one: what `make test-faults` links in
// place of the plain one. No source of als knows of it: the linker leads the calls through here
// (--wrap), and test/faults/points names those of the server. faults.inc makes a stub of each of
// these.
#include <dlfcn.h>
#include <malloc.h>

#include <atomic>
#include <csignal>
#include <new>
#include <system_error>
#include <thread>

#include "pg/server/pg.h"

namespace {

/// What fails.
enum Kind : int {
  kNone,
  kServer,  // a call of the server raises an error
  kAfter,   // a call through the bridge raises an error when its work is done
  kMemory,  // an allocation of C++ fails
  kThread,  // a thread does not start
  kCancel,  // the query is cancelled, at a call of the server
  kKill,    // the process is killed there
};

std::atomic<int> kind{kNone};
/// How many points are passed before the one that fails; negative once it has.
std::atomic<std::int64_t> left{0};

/// Whether the call at this point is to fail.
bool strikes(Kind here) {
  return kind.load(std::memory_order_relaxed) == here && left.fetch_sub(1) == 1;
}

/// Says where, for addr2line -e build/faults/als.so.
void raise_injected(const void* caller) {
  Dl_info module{};
  dladdr(caller, &module);
  const auto at =
      reinterpret_cast<std::uintptr_t>(caller) - reinterpret_cast<std::uintptr_t>(module.dli_fbase);
  ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_RESOURCES), errmsg("injected fault at 0x%zx", at)));
}

}  // namespace

extern "C" {

ALS_SQL_FUNCTION(als_fault_arm)
ALS_SQL_FUNCTION(als_fault_left)
ALS_SQL_FUNCTION(als_fault_heap)

/// fault_arm(kind int, n bigint): the n-th call of the kind from now on fails.
Datum als_fault_arm(PG_FUNCTION_ARGS) {
  left = PG_GETARG_INT64(1);
  kind = PG_GETARG_INT32(0);
  PG_RETURN_VOID();
}

/// fault_left(): at most 0 if it did. Nothing fails from now on.
Datum als_fault_left(FunctionCallInfo) {
  kind = kNone;
  PG_RETURN_INT64(left.load());
}

/// fault_heap(): bytes that malloc has given out, to C++ and to memory contexts.
Datum als_fault_heap(FunctionCallInfo) {
#if __GLIBC_PREREQ(2, 33)
  const struct mallinfo2 now = mallinfo2();
#else
  const struct mallinfo now = mallinfo();
#endif
  PG_RETURN_INT64(static_cast<std::int64_t>(now.uordblks) + static_cast<std::int64_t>(now.hblkhd));
}

/// Each stub comes here first.
__attribute__((visibility("hidden"))) void als_fault_server(const void* caller) {
  if (strikes(kServer)) raise_injected(caller);
  if (strikes(kKill)) std::raise(SIGKILL);
  if (strikes(kCancel)) {
    QueryCancelPending = true;
    InterruptPending = true;
  }
}

// Arguments of integers and pointers are kept. One of floating point no point has. The error leaves
// by a longjmp.
#define ALS_FAULT_POINT(name)                                                                      \
  asm(".pushsection .text\n.globl __wrap_" #name "\n.hidden __wrap_" #name "\n.type __wrap_" #name \
      ", @function\n__wrap_" #name                                                                 \
      ":\n"                                                                                        \
      "push %rbp\nmov %rsp, %rbp\npush %rdi\npush %rsi\npush %rdx\npush %rcx\npush %r8\npush "     \
      "%r9\n"                                                                                      \
      "push %rax\npush %rax\nmov 8(%rbp), %rdi\ncall als_fault_server\npop %rax\npop %rax\n"       \
      "pop %r9\npop %r8\npop %rcx\npop %rdx\npop %rsi\npop %rdi\npop %rbp\njmp __real_" #name      \
      "@PLT\n"                                                                                     \
      ".popsection");
#include "faults.inc"

// als::pg::throw_server_error
using Call = void (*)(void*);
void __real__ZN3als2pg18throw_server_errorEPFvPvES1_(Call f, void* argument);
void __wrap__ZN3als2pg18throw_server_errorEPFvPvES1_(Call f, void* argument) {
  struct Both {
    Call f;
    void* argument;
    const void* caller;
  } both{f, argument, __builtin_return_address(0)};
  __real__ZN3als2pg18throw_server_errorEPFvPvES1_(
      [](void* p) {
        auto* call = static_cast<Both*>(p);
        als_fault_server(call->caller);
        call->f(call->argument);
        if (strikes(kAfter)) raise_injected(call->caller);
      },
      &both);
}

void* __real__Znwm(std::size_t n);
void* __wrap__Znwm(std::size_t n) {
  if (strikes(kMemory)) throw std::bad_alloc();
  return __real__Znwm(n);
}
void* __real__Znam(std::size_t n);
void* __wrap__Znam(std::size_t n) {
  if (strikes(kMemory)) throw std::bad_alloc();
  return __real__Znam(n);
}
void* __real__ZnwmSt11align_val_t(std::size_t n, std::align_val_t a);
void* __wrap__ZnwmSt11align_val_t(std::size_t n, std::align_val_t a) {
  if (strikes(kMemory)) throw std::bad_alloc();
  return __real__ZnwmSt11align_val_t(n, a);
}
void* __real__ZnamSt11align_val_t(std::size_t n, std::align_val_t a);
void* __wrap__ZnamSt11align_val_t(std::size_t n, std::align_val_t a) {
  if (strikes(kMemory)) throw std::bad_alloc();
  return __real__ZnamSt11align_val_t(n, a);
}
void* __real_malloc(std::size_t n);
void* __wrap_malloc(std::size_t n) { return strikes(kMemory) ? nullptr : __real_malloc(n); }
void* __real_calloc(std::size_t n, std::size_t size);
void* __wrap_calloc(std::size_t n, std::size_t size) {
  return strikes(kMemory) ? nullptr : __real_calloc(n, size);
}

// std::thread::_M_start_thread
using State = std::unique_ptr<std::thread::_State>;
void __real__ZNSt6thread15_M_start_threadESt10unique_ptrINS_6_StateESt14default_deleteIS1_EEPFvvE(
    void* self, State state, void (*depend)());
void __wrap__ZNSt6thread15_M_start_threadESt10unique_ptrINS_6_StateESt14default_deleteIS1_EEPFvvE(
    void* self, State state, void (*depend)()) {
  if (strikes(kThread)) throw std::system_error(EAGAIN, std::generic_category());
  __real__ZNSt6thread15_M_start_threadESt10unique_ptrINS_6_StateESt14default_deleteIS1_EEPFvvE(
      self, std::move(state), depend);
}

}  // extern "C"
