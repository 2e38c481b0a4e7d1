// Whether this is a program of the sanitizers, whose loops take ten times as long: there fewer
// problems of a kind will do.
#pragma once

namespace als {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kIsSanitized = true;
#else
constexpr bool kIsSanitized = false;
#endif

}  // namespace als
