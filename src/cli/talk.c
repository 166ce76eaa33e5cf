#include "cli/talk.h"
#include "base/file.h"
#include "base/json.h"
#include "base/limits.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void talk_drop(struct talk *t)
{
    strbuf_drop(&t->system);
    strbuf_drop(&t->text);
}

void talk_reset(struct talk *t)
{
    strbuf_clear(&t->text);
    t->n_turns = 0;
}

static void put_message(struct strbuf *out, const char *role,
                        struct slice content)
{
    strbuf_puts(out, out->len > 1 ? ",\n {\"role\": " : "{\"role\": ");
    json_put_string(out, slice_of(role));
    strbuf_puts(out, ", \"content\": ");
    json_put_string(out, content);
    strbuf_putc(out, '}');
}

static void put_all(const struct talk *t, struct strbuf *out)
{
    strbuf_putc(out, '[');
    if (t->system.len > 0)
        put_message(out, "system", strbuf_slice(&t->system));
    if (t->text.len > 0) {
        strbuf_puts(out, out->len > 1 ? ",\n " : "");
        strbuf_put(out, strbuf_slice(&t->text));
    }
}

void talk_with(const struct talk *t, struct slice question, struct strbuf *out)
{
    put_all(t, out);
    put_message(out, "user", question);
    strbuf_putc(out, ']');
}

void talk_add(struct talk *t, struct slice question, struct slice answer)
{
    put_message(&t->text, "user", question);
    put_message(&t->text, "assistant", answer);
    t->n_turns++;
}

enum err talk_save(const struct talk *t, const char *path,
                   struct err_info *why)
{
    struct strbuf out = { 0 };
    enum err e = ERR_OK;
    FILE *f = fopen(path, "w");

    if (f == NULL)
        return fail(why, ERR_IO, "%s: cannot be written: %s", path,
                    strerror(errno));
    put_all(t, &out);
    strbuf_puts(&out, "]\n");
    bool written = !out.failed && fwrite(out.at, 1, out.len, f) == out.len;
    if (fclose(f) != 0 || !written)
        e = out.failed ? fail_nomem(why)
                       : fail(why, ERR_IO, "%s: cannot be written", path);
    strbuf_drop(&out);
    return e;
}

/* One message of a file: role and content must be strings. */
static enum err load_message(struct talk *t, const struct json *m,
                             struct err_info *why)
{
    const struct json *role = json_get(m, "role");
    const struct json *content = json_get(m, "content");

    if (!json_is(role, JSON_STRING) || !json_is(content, JSON_STRING))
        return fail(why, ERR_FORMAT, "expected an array of objects with "
                    "\"role\" and \"content\" as strings");
    if (slice_is(role->string, "system")) {
        strbuf_clear(&t->system);
        strbuf_put(&t->system, content->string);
        return ERR_OK;
    }
    bool user = slice_is(role->string, "user");
    if (!user && !slice_is(role->string, "assistant"))
        return fail(why, ERR_FORMAT, "role \"%.*s\" is none of system, user "
                    "and assistant", (int)(role->string.len & 63),
                    role->string.at);
    put_message(&t->text, user ? "user" : "assistant", content->string);
    t->n_turns += user;
    return ERR_OK;
}

enum err talk_load(struct talk *t, const char *path, struct err_info *why)
{
    struct arena arena = { 0 };
    struct talk fresh = { 0 };
    struct json *all;
    struct file f;

    enum err e = file_open_small(&f, path, LIMIT_CONFIG_FILE, why);
    if (e != ERR_OK)
        return e;
    e = json_parse(&all, &arena, file_slice(&f), JSON_DEPTH, why);
    if (e == ERR_OK && all->kind != JSON_ARRAY)
        e = fail(why, ERR_FORMAT, "expected an array of messages");
    for (const struct json *m = e == ERR_OK ? all->first : NULL;
         m != NULL && e == ERR_OK; m = m->next)
        e = load_message(&fresh, m, why);
    if (e == ERR_OK && (fresh.text.failed || fresh.system.failed))
        e = fail_nomem(why);
    if (e != ERR_OK) {
        fail_within(why, "%s", path);
        talk_drop(&fresh);
    } else {
        talk_drop(t);
        *t = fresh;
    }
    arena_drop(&arena);
    file_close(&f);
    return e;
}
