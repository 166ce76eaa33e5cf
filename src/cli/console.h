/* What people see on stderr: notices, a progress line, errors; and Ctrl-C.
 *
 *   1. stdout belongs to the answer; nothing here writes to it.
 *   2. Notices and progress appear only where stderr is a terminal or with
 *      --verbose, never with --quiet.
 *   3. Whatever is printed is free of control characters. */
#ifndef OSMIA_CLI_CONSOLE_H
#define OSMIA_CLI_CONSOLE_H

#include "base/err.h"
#include "base/notice.h"
#include "base/progress.h"
#include "cli/options.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_INTERRUPTED = 130 };

struct console {
    bool    talks;            /* notices and progress are wanted */
    bool    is_terminal;      /* stderr is one */
    bool    line_drawn;       /* a progress line stands on the terminal */
    int64_t started_ns, drawn_ns;
    const char *doing;        /* of the progress line, */
    uint64_t    done;         /*   and how far it was */
    struct notices  notices;  /* to hand to lower floors */
    struct progress progress; /* to hand to lower floors; stops on Ctrl-C */
};

/* c must not move afterwards: notices and progress point at it. */
void console_open(struct console *c, const struct options *o);
/* Wipe the progress line, if any. */
void console_clear(struct console *c);

/* One line "osmia: SENTENCE" on stderr; returns the exit status. */
int  console_error(struct console *c, const struct err_info *why);

/* From here on Ctrl-C sets a flag instead of ending the process; a second one
 * before the flag is lowered ends it. */
void interrupt_catch(void);
bool interrupt_raised(void);
void interrupt_lower(void);

#endif
