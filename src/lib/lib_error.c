#include "lib/lib_own.h"

#include <assert.h>
#include <string.h>

static_assert(sizeof ((struct osmia_error *)0)->text == ERR_TEXT_SIZE,
              "a sentence fits");

/* By name, not by value: the two lists may grow apart, the outer one never
 * changes its numbers. */
static const enum osmia_status statuses[ERR_COUNT] = {
    [ERR_OK] = OSMIA_OK,
    [ERR_NOMEM] = OSMIA_NO_MEMORY,
    [ERR_IO] = OSMIA_IO,
    [ERR_FORMAT] = OSMIA_BAD_FILE,
    [ERR_UNKNOWN] = OSMIA_UNKNOWN,
    [ERR_REQUEST] = OSMIA_BAD_REQUEST,
    [ERR_LIMIT] = OSMIA_LIMIT,
    [ERR_FULL] = OSMIA_FULL,
    [ERR_BUSY] = OSMIA_BUSY,
    [ERR_CANCELLED] = OSMIA_CANCELLED,
    [ERR_NUMBER] = OSMIA_NOT_FINITE,
};

const char *osmia_version(void)
{
    return OSMIA_VERSION;
}

const char *osmia_status_text(enum osmia_status status)
{
    for (int e = 0; e < ERR_COUNT; e++)
        if (statuses[e] == status)
            return err_text((enum err)e);
    return "no such status";
}

enum osmia_status lib_error(struct osmia_error *error, enum err e,
                            const struct err_info *why)
{
    if (e != ERR_OK && error != NULL) {
        error->status = statuses[e];
        memcpy(error->text, why->text, sizeof error->text);
    }
    return statuses[e];
}

enum osmia_status lib_fail(struct osmia_error *error, enum osmia_status status,
                           const char *sentence)
{
    size_t len = strlen(sentence);
    if (error == NULL)
        return status;
    if (len >= sizeof error->text)
        len = sizeof error->text - 1;
    error->status = status;
    memcpy(error->text, sentence, len);
    error->text[len] = '\0';
    return status;
}

/* ---- one call at a time ---- */

enum osmia_status lib_enter(struct osmia_model *m, struct osmia_error *error)
{
    if (atomic_exchange(&m->busy, true))
        return lib_fail(error, OSMIA_BUSY,
                        "another call is computing on this model");
    atomic_store(&m->cancel, false);
    return OSMIA_OK;
}

void lib_leave(struct osmia_model *m)
{
    atomic_store(&m->busy, false);
}

/* One store to a lock-free flag: safe in a signal handler. */
void osmia_cancel(struct osmia_model *model)
{
    atomic_store(&model->cancel, true);
}

/* The caller's callback is asked first, so that it sees the progress of the
 * very moment at which it is cancelled. */
static bool tick(void *arg, const char *doing, uint64_t done, uint64_t total)
{
    struct osmia_model *m = arg;
    if (m->progress != NULL && m->progress(m->progress_arg, doing, done, total))
        return true;
    return atomic_load(&m->cancel);
}

struct progress lib_progress(struct osmia_model *m)
{
    return (struct progress){ tick, m };
}
