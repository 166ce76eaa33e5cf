/* run --jsonl: many requests, computed together, answered in order. */
#ifndef OSMIA_CLI_RUN_LINES_H
#define OSMIA_CLI_RUN_LINES_H

#include "cli/console.h"
#include "engine/engine.h"

/* Jobs computed at once, and finished ones kept so that others may share their
 * prefix. */
enum { LINES_SEQS = 16, LINES_KEPT = 4 };

/* Answer the lines of stdin until its end; returns the exit status. */
int run_lines(struct console *c, struct engine *e, const struct options *o,
              double load_ms);

#endif
