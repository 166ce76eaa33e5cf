/* cmocka with the headers it wants before it.  Every test includes this first:
 * cmocka defines a macro fail(), which is also our function (base/err.h). */
#ifndef OSMIA_TESTS_CHECK_H
#define OSMIA_TESTS_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#undef fail
#undef fail_msg      /* it calls fail() */
#define fail_msg(...)                                                        \
    do {                                                                     \
        print_error("ERROR: " __VA_ARGS__);                                  \
        print_error("\n");                                                   \
        _fail(__FILE__, __LINE__);                                           \
    } while (0)

#endif
