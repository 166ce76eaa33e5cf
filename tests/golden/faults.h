/* Planted faults of `configure`: lists of X(arch, file, name, wrong), where
 * `wrong` is what it could have left in *c. */
#ifndef OSMIA_TESTS_FAULTS_H
#define OSMIA_TESTS_FAULTS_H

#include "models/arch_table.h"

struct fault {
    const struct arch *arch;
    const char        *file, *name;
    enum err (*configure)(struct config *c, const struct config_source *src,
                          struct err_info *why);
};

/* The configure that goes wrong, and its row of a table of struct fault. */
#define FAULT_FUNCTION(arch, file, name, wrong) \
    static enum err arch##_##name(struct config *c, \
                                  const struct config_source *src, \
                                  struct err_info *why) \
    { \
        enum err e = arch_##arch.configure(c, src, why); \
        wrong; \
        return e; \
    }
#define FAULT_ROW(arch, file, name, wrong) \
    { &arch_##arch, file, #arch " " #name, arch##_##name },

#endif
