/* What kind of build this is. */
#ifndef OSMIA_BASE_BUILD_H
#define OSMIA_BASE_BUILD_H

#include <stdbool.h>

/* Sanitizers want what a hardened process may not have: ptrace for leaks, any
 * system call for their own threads. */
static inline bool build_is_sanitized(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
    return true;
#else
    return false;
#endif
#else
    return false;
#endif
}

#endif
