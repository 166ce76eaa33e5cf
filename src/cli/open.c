#include "cli/open.h"
#include "base/mapguard.h"
#include "nn/bind.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct { const char *name; int type; } kv_types[] = {
    { "f16", KV_F16 }, { "bf16", KV_BF16 }, { "f32", KV_F32 },
    { "q8_0", KV_Q8_0 },
};

static enum err kv_named(int *type, const char *name, struct err_info *why)
{
    for (size_t i = 0; i < sizeof kv_types / sizeof *kv_types; i++)
        if (strcmp(kv_types[i].name, name) == 0) {
            *type = kv_types[i].type;
            return ERR_OK;
        }
    return fail(why, ERR_REQUEST,
                "--kv is \"%.40s\", expected f16, bf16, f32 or q8_0", name);
}

enum err open_check_kv(const char *text, struct err_info *why)
{
    int type;
    return kv_named(&type, text, why);
}

enum err open_check_weights(const char *text, struct err_info *why)
{
    const struct dtype *type;
    return strcmp(text, "as-is") == 0 ? ERR_OK : bind_target(&type, text, why);
}

enum err open_cache_size(uint64_t *size, struct err_info *why)
{
    const char        *text = getenv("OSMIA_CACHE_MB");
    char              *end;
    unsigned long long mb;

    *size = 0;
    if (text == NULL || text[0] == '\0')
        return ERR_OK;
    mb = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || mb > UINT64_MAX >> 20)
        return fail(why, ERR_REQUEST, "OSMIA_CACHE_MB is \"%.40s\", expected a "
                    "whole number of MiB", text);
    *size = mb > 0 ? mb << 20 : 1;               /* 0: room for nothing */
    return ERR_OK;
}

enum err open_options(struct engine_options *e, struct console *c,
                      const struct options *o, struct err_info *why)
{
    *e = engine_defaults(o->model);
    e->n_threads = (unsigned)o->threads.value;
    e->ctx = (uint32_t)o->ctx.value;
    e->weights = o->weights;
    e->exact = o->exact;
    e->isa = getenv("OSMIA_ISA");
    e->cache = getenv("OSMIA_CACHE");
    e->notices = &c->notices;
    e->progress = &c->progress;
    if (open_cache_size(&e->cache_size, why) != ERR_OK)
        return why->code;
    return o->kv != NULL ? kv_named(&e->kv, o->kv, why) : ERR_OK;
}

void open_watch(const struct engine *e)
{
    const struct checkpoint *c = engine_checkpoint(e);
    const struct file       *packed = engine_packed_file(e);

    for (size_t i = 0; i < c->n_files; i++)
        mapguard_watch(c->files[i]);
    if (packed != NULL)
        mapguard_watch(packed);
}

enum err open_engine_on(struct engine **out, struct console *c,
                        const struct options *o,
                        const struct open_needs *needs, struct err_info *why)
{
    struct engine_options e;
    enum err err = open_options(&e, c, o, why);

    if (err != ERR_OK)
        return err;
    e.depth = needs->depth;
    e.n_seqs = needs->n_seqs;
    e.pool = needs->pool;
    if (e.pool != NULL)
        e.n_threads = 0;
    err = engine_open(out, &e, why);
    console_clear(c);
    if (err == ERR_OK)
        open_watch(*out);
    return err;
}

enum err open_engine(struct engine **out, struct console *c,
                     const struct options *o, enum engine_depth depth,
                     size_t n_seqs, struct err_info *why)
{
    struct open_needs needs = { .depth = depth, .n_seqs = n_seqs };
    return open_engine_on(out, c, o, &needs, why);
}

enum err read_stream(struct strbuf *out, FILE *from, size_t limit,
                     struct err_info *why)
{
    char piece[16384];
    size_t n;

    while ((n = fread(piece, 1, sizeof piece, from)) > 0) {
        strbuf_put(out, (struct slice){ piece, n });
        if (out->failed)
            return fail_nomem(why);
        if (out->len > limit)
            return fail(why, ERR_LIMIT, "stdin: more than %zu bytes of text",
                        limit);
        if (interrupt_raised())
            return fail(why, ERR_CANCELLED, "interrupted");
    }
    if (ferror(from) && !interrupt_raised())
        return fail(why, ERR_IO, "stdin: cannot be read");
    return interrupt_raised() ? fail(why, ERR_CANCELLED, "interrupted")
                              : ERR_OK;
}

bool stdin_has_text(void)
{
    struct stat st;

    return fstat(STDIN_FILENO, &st) == 0
        && (S_ISREG(st.st_mode) || S_ISFIFO(st.st_mode)
            || S_ISSOCK(st.st_mode));
}

void words_join(struct strbuf *out, const struct options *o)
{
    for (size_t i = 0; i < o->n_words; i++) {
        if (i > 0)
            strbuf_putc(out, ' ');
        strbuf_puts(out, o->words[i]);
    }
}
