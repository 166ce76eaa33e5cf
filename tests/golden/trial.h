/* Opening a tiny model that may be refused, and running it when it is not. */
#ifndef OSMIA_TESTS_TRIAL_H
#define OSMIA_TESTS_TRIAL_H

#include "golden/tiny.h"

#include "base/err.h"
#include "base/notice.h"

/* Four tokens through it, on two threads.  Nothing is left open; what opening
 * answered, why->text empty when it did not refuse. */
enum err trial_run(const struct tiny_path *p, const struct notices *notices,
                   struct err_info *why);
/* The same of tests/golden/NAME written in a form. */
enum err trial_form(const char *name, const struct tiny_form *form,
                    struct err_info *why);

#endif
