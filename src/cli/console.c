#include "cli/console.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/strbuf.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

/* ---- Ctrl-C ---- */

/* A signal handler has no argument, so this flag stands at file scope. */
static volatile sig_atomic_t interrupted;

static void on_interrupt(int sig)
{
    if (interrupted)
        _exit(128 + sig);
    interrupted = 1;
}

void interrupt_catch(void)
{
    struct sigaction act = { .sa_handler = on_interrupt };

    /* No SA_RESTART: a read from the terminal must return. */
    sigemptyset(&act.sa_mask);
    sigaction(SIGINT, &act, NULL);
}

bool interrupt_raised(void)
{
    return interrupted != 0;
}

void interrupt_lower(void)
{
    interrupted = 0;
}

/* ---- lines on stderr ---- */

/* Write "PREFIX SENTENCE\n", made visible and cut to what one line may have. */
static void say(const char *prefix, const char *sentence)
{
    struct strbuf line = { 0 };

    strbuf_puts(&line, prefix);
    strbuf_put_visible(&line, slice_of(sentence));
    if (!line.failed && line.len > LIMIT_ERROR_LINE)
        line.len = LIMIT_ERROR_LINE;
    strbuf_putc(&line, '\n');
    if (line.failed)
        fputs("osmia: out of memory\n", stderr);
    else
        fwrite(line.at, 1, line.len, stderr);
    strbuf_drop(&line);
}

void console_clear(struct console *c)
{
    if (c->line_drawn)
        fputs("\r\033[K", stderr);
    c->line_drawn = false;
}

int console_error(struct console *c, const struct err_info *why)
{
    if (c != NULL)
        console_clear(c);
    if (why->code == ERR_CANCELLED)
        return EXIT_INTERRUPTED;
    say("osmia: ", why->text[0] != '\0' ? why->text : err_text(why->code));
    return EXIT_FAILED;
}

static void on_notice(void *arg, const char *sentence)
{
    struct console *c = arg;

    if (!c->talks)
        return;
    console_clear(c);
    say("osmia: note: ", sentence);
}

/* ---- progress ---- */

enum { DRAW_EVERY_MS = 100, QUIET_FIRST_MS = 1500 };

/* Bytes are what big numbers count; tokens never get that far. */
static void draw(struct console *c, uint64_t done, uint64_t total,
                 double elapsed_s)
{
    bool large = total >= 10000000;
    double unit = large ? 1e6 : 1;
    const char *name = large ? " MB" : "";

    fprintf(stderr, "\r\033[K%s: %.0f / %.0f%s (%.0f %%)", c->doing,
            (double)done / unit, (double)total / unit, name,
            100 * (double)done / (double)total);
    if (done > 0) {
        double rate = (double)done / elapsed_s;
        fprintf(stderr, ", %.0f%s/s, %.0f s left", rate / unit, name,
                (double)(total - done) / rate);
    }
    fflush(stderr);
    c->line_drawn = true;
}

/* Other work than before, or the same from its beginning: time starts anew. */
static void follow(struct console *c, const char *doing, uint64_t done,
                   int64_t now)
{
    if (c->doing != doing || done < c->done)
        c->started_ns = now;
    c->doing = doing;
    c->done = done;
}

static bool on_tick(void *arg, const char *doing, uint64_t done,
                    uint64_t total)
{
    struct console *c = arg;
    int64_t now = clock_ns();

    follow(c, doing, done, now);
    double elapsed_ms = (double)(now - c->started_ns) / 1e6;
    /* total 0: nothing that has an end, a step that only decodes. */
    if (c->talks && c->is_terminal && total > 0 && done <= total
        && elapsed_ms >= QUIET_FIRST_MS
        && (double)(now - c->drawn_ns) / 1e6 >= DRAW_EVERY_MS) {
        draw(c, done, total, elapsed_ms / 1e3);
        c->drawn_ns = now;
    }
    return interrupt_raised();
}

void console_open(struct console *c, const struct options *o)
{
    *c = (struct console){
        .is_terminal = isatty(STDERR_FILENO) == 1,
    };
    c->talks = !o->quiet && (c->is_terminal || o->verbose);
    c->notices = (struct notices){ on_notice, c };
    c->progress = (struct progress){ on_tick, c };
}
