/* For clang-tidy's eyes only (static_checks.sh includes it before each file):
 * what the contract of base/err.h says, and its analyzer cannot see.  fail never
 * answers ERR_OK, so nothing behind an error path is reached uninitialized. */
#include "base/err.h"

#define fail(info, code, ...)  ((void)fail(info, code, __VA_ARGS__), (code))
#define fail_nomem(info)       ((void)fail_nomem(info), ERR_NOMEM)
#define fail_within(info, ...) ((void)fail_within(info, __VA_ARGS__), ERR_FORMAT)
