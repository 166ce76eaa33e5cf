/* A decoder is a row of steps; a run feeds them.
 *
 *   1. Steps call the ones behind them, never the ones before: a push goes at
 *      most DECODER_MAX_STEPS calls deep.
 *   2. Behind a step that fuses everything (`fuses`), texts are parts of one
 *      token.  A step that needs tokens whole gets a collecting step before it.
 *   3. What leaves the last step is UTF-8: an unfinished character waits in
 *      `tail`.
 *
 * The decoder is immutable; a run belongs to one thread. */
#include "text/decoder_steps.h"
#include "base/utf8.h"
#include <stdlib.h>

/* ---- opening ---- */

static enum err add_step(struct decoder *d, struct step step,
                         struct err_info *why)
{
    if (d->n_steps == DECODER_MAX_STEPS) {
        normalizer_close(step.replace);
        return fail(why, ERR_LIMIT, "decoder: more than %d steps",
                    DECODER_MAX_STEPS);
    }
    d->steps[d->n_steps++] = step;
    return ERR_OK;
}

static bool comes_in_parts(const struct decoder *d)
{
    return d->n_steps > 0 && (d->steps[d->n_steps - 1].kind->fuses
                              || d->steps[d->n_steps - 1].in_parts);
}

static enum err open_one(struct decoder *d, const struct json *spec,
                         struct slice type, struct err_info *why)
{
    struct step step = { .kind = step_kind_find(type) };

    if (step.kind == NULL)
        return fail(why, ERR_UNKNOWN, "decoder: type \"%.*s\" is not supported",
                    (int)(type.len > 100 ? 100 : type.len), type.at);
    enum err e = step.kind->read == NULL ? ERR_OK
               : step.kind->read(&step, spec, &d->arena, why);
    if (e != ERR_OK)
        return e;
    step.in_parts = comes_in_parts(d);
    if (step.in_parts && (step.kind->takes_parts == NULL
                          || !step.kind->takes_parts(&step))) {
        step.in_parts = false;
        e = add_step(d, (struct step){ .kind = &step_collect }, why);
        if (e != ERR_OK) {
            normalizer_close(step.replace);
            return e;
        }
    }
    return add_step(d, step, why);
}

/* Sequences nest at most as deep as the JSON reader allows. */
static enum err open_spec(struct decoder *d, const struct json *spec,
                          struct err_info *why)
{
    const struct json *type = json_get(spec, "type");
    enum err e = ERR_OK;

    if (!json_is(type, JSON_STRING))
        return fail(why, ERR_FORMAT, "decoder: \"type\" is missing");
    if (!slice_is(type->string, "Sequence"))
        return open_one(d, spec, type->string, why);
    const struct json *list = json_get(spec, "decoders");
    if (!json_is(list, JSON_ARRAY))
        return fail(why, ERR_FORMAT, "decoder: \"decoders\" must be an array");
    for (const struct json *i = list->first; i != NULL && e == ERR_OK;
         i = i->next)
        e = open_spec(d, i, why);
    return e;
}

enum err decoder_open(struct decoder **out, const struct json *spec,
                      struct err_info *why)
{
    struct decoder *d = calloc(1, sizeof *d);

    *out = NULL;
    if (d == NULL)
        return fail_nomem(why);
    enum err e = spec == NULL || spec->kind == JSON_NULL
               ? add_step(d, (struct step){ .kind = &step_join }, why)
               : open_spec(d, spec, why);
    /* An empty Sequence: the tokens as they are. */
    if (e == ERR_OK && d->n_steps == 0)
        e = add_step(d, (struct step){ .kind = step_kind_find(SLICE("Fuse")) },
                     why);
    if (e != ERR_OK) {
        decoder_close(d);
        return e;
    }
    *out = d;
    return ERR_OK;
}

void decoder_close(struct decoder *d)
{
    if (d == NULL)
        return;
    for (size_t i = 0; i < d->n_steps; i++)
        normalizer_close(d->steps[i].replace);
    arena_drop(&d->arena);
    free(d);
}

bool decoder_is_byte_level(const struct decoder *d)
{
    for (size_t i = 0; i < d->n_steps; i++)
        if (strcmp(d->steps[i].kind->name, "ByteLevel") == 0)
            return true;
    return false;
}

/* ---- running ---- */

struct decoder_run *decoder_start(const struct decoder *d, unsigned flags)
{
    struct decoder_run *r = calloc(1, sizeof *r);

    if (r == NULL)
        return NULL;
    r->d = d;
    r->flags = flags;
    for (size_t i = 0; i < d->n_steps; i++)
        r->state[i].n_seen = flags & DECODE_CONTINUES ? 1 : 0;
    return r;
}

void decoder_run_close(struct decoder_run *r)
{
    if (r == NULL)
        return;
    for (size_t i = 0; i < r->d->n_steps; i++) {
        strbuf_drop(&r->state[i].held);
        strbuf_drop(&r->state[i].made);
    }
    strbuf_drop(&r->tail);
    free(r);
}

struct strbuf *step_made(struct decoder_run *r, size_t i)
{
    strbuf_clear(&r->state[i].made);
    return &r->state[i].made;
}

/* Move what is whole UTF-8 from `tail` + bytes to `out`. */
static void put_whole(struct strbuf *tail, struct slice bytes,
                      struct strbuf *out)
{
    if (tail->len == 0 && utf8_valid_prefix(bytes) == bytes.len) {
        strbuf_put(out, bytes);
        return;
    }
    strbuf_put(tail, bytes);
    struct slice all = strbuf_slice(tail);
    size_t waits = utf8_incomplete_tail(all), n = all.len - waits;
    utf8_put_lossy(out, (struct slice){ all.at, n });
    if (n > 0 && !tail->failed)
        memmove(tail->at, tail->at + n, waits);
    tail->len = waits;
}

static void output(struct decoder_run *r, struct slice text)
{
    put_whole(&r->tail, text, r->out);
    if (r->tail.failed || r->out->failed)
        r->e = fail_nomem(r->why);
}

void step_give(struct decoder_run *r, size_t i, struct slice text)
{
    if (r->e != ERR_OK)
        return;
    if (i + 1 == r->d->n_steps)
        output(r, text);
    else
        r->d->steps[i + 1].kind->push(r, i + 1, text);
}

static void begin_call(struct decoder_run *r, struct strbuf *out,
                       struct err_info *why)
{
    r->out = out;
    r->why = why;
    r->e = ERR_OK;
}

enum err decoder_push(struct decoder_run *r, struct slice token,
                      struct strbuf *out, struct err_info *why)
{
    begin_call(r, out, why);
    r->d->steps[0].kind->push(r, 0, token);
    return r->e;
}

enum err decoder_end(struct decoder_run *r, struct strbuf *out,
                     struct err_info *why)
{
    begin_call(r, out, why);
    for (size_t i = 0; i < r->d->n_steps && r->e == ERR_OK; i++)
        if (r->d->steps[i].kind->end != NULL)
            r->d->steps[i].kind->end(r, i);
    utf8_put_lossy(out, strbuf_slice(&r->tail));
    strbuf_clear(&r->tail);
    return out->failed ? fail_nomem(why) : r->e;
}
