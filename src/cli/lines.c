#include "cli/lines.h"

#include <errno.h>
#include <stdio.h>

/* getc_unlocked keeps what was read before a signal, which getline does not. */
bool line_read(struct strbuf *line)
{
    strbuf_clear(line);
    for (;;) {
        int c = getc_unlocked(stdin);
        if (c == '\n')
            return !line->failed;
        if (c == EOF)
            return line->len > 0 && !line->failed && !interrupt_raised();
        strbuf_putc(line, (char)c);
        if (line->failed)
            return false;
    }
}

void line_put_error(struct strbuf *out, const struct err_info *why)
{
    strbuf_puts(out, "{\"error\": ");
    json_put_string(out, slice_of(why->text[0] ? why->text
                                               : err_text(why->code)));
    strbuf_puts(out, "}");
}

bool line_write(struct strbuf *out)
{
    strbuf_putc(out, '\n');
    if (out->failed)
        return false;
    return fwrite(out->at, 1, out->len, stdout) == out->len
        && fflush(stdout) == 0;
}

/* Answer one line into `out`; false: an error stands there. */
static bool answer_line(line_answer *answer, void *arg, struct slice line,
                        struct strbuf *out)
{
    struct arena arena = { 0 };
    struct json *in;
    struct err_info why = { .code = ERR_OK };

    strbuf_clear(out);
    enum err e = json_parse(&in, &arena, line, JSON_DEPTH, &why);
    if (e == ERR_OK)
        e = answer(arg, in, &arena, out, &why);
    if (e == ERR_OK && out->failed)
        e = fail_nomem(&why);
    if (e != ERR_OK) {
        strbuf_drop(out);       /* also wakes a failed buffer up */
        line_put_error(out, &why);
    }
    arena_drop(&arena);
    return e == ERR_OK;
}

int lines_run(line_answer *answer, void *arg)
{
    struct strbuf line = { 0 }, out = { 0 };
    bool all_right = true;

    interrupt_catch();
    while (line_read(&line)) {
        all_right &= answer_line(answer, arg, strbuf_slice(&line), &out);
        if (!line_write(&out)) {
            all_right = false;
            break;
        }
    }
    all_right &= !line.failed;
    strbuf_drop(&line);
    strbuf_drop(&out);
    if (interrupt_raised())
        return EXIT_INTERRUPTED;
    return all_right ? EXIT_DONE : EXIT_FAILED;
}

enum err line_bool(bool *out, const struct json *object, const char *member,
                   bool otherwise, struct err_info *why)
{
    const struct json *v = json_get(object, member);

    *out = otherwise;
    if (v == NULL || v->kind == JSON_NULL)
        return ERR_OK;
    if (v->kind != JSON_BOOL)
        return fail(why, ERR_REQUEST, "\"%s\" is %s, expected true or false",
                    member, json_kind_name(v->kind));
    *out = v->boolean;
    return ERR_OK;
}

bool line_has(const struct json *object, const char *member)
{
    const struct json *v = json_get(object, member);

    return v != NULL && v->kind != JSON_NULL;
}

static const char *not_whole(const struct json *v)
{
    return v->kind != JSON_INT ? json_kind_name(v->kind)
         : v->integer.negative ? "negative" : "too large";
}

enum err line_uint(uint64_t *out, const struct json *object, const char *member,
                   uint64_t most, struct err_info *why)
{
    const struct json *v = json_get(object, member);

    if (!line_has(object, member))
        return ERR_OK;
    if (v->kind != JSON_INT || v->integer.negative
        || v->integer.magnitude > most)
        return fail(why, ERR_REQUEST, "\"%s\" is %s, expected a whole number "
                    "from 0 to %llu", member, not_whole(v),
                    (unsigned long long)most);
    *out = v->integer.magnitude;
    return ERR_OK;
}

enum err line_ids(int32_t **ids, size_t *n, const struct json *array,
                  size_t n_ids, struct arena *arena, struct err_info *why)
{
    if (!json_is(array, JSON_ARRAY))
        return fail(why, ERR_REQUEST, "expected an array of token ids, not %s",
                    array ? json_kind_name(array->kind) : "nothing");
    *ids = arena_take(arena, array->n + 1, sizeof **ids);
    if (*ids == NULL)
        return fail_nomem(why);
    *n = 0;
    for (const struct json *v = array->first; v != NULL; v = v->next) {
        if (v->kind != JSON_INT)
            return fail(why, ERR_REQUEST, "token %zu is %s, expected an id",
                        *n, json_kind_name(v->kind));
        if (v->integer.negative || v->integer.magnitude >= n_ids)
            return fail(why, ERR_REQUEST, "token %zu: there is no id %s%llu, "
                        "expected 0 to %zu", *n, v->integer.negative ? "-" : "",
                        (unsigned long long)v->integer.magnitude, n_ids - 1);
        (*ids)[(*n)++] = (int32_t)v->integer.magnitude;
    }
    return ERR_OK;
}

enum err line_known(const struct json *object, const char *const *known,
                    struct err_info *why)
{
    for (const struct json *v = object->first; v != NULL; v = v->next) {
        size_t i = 0;
        while (known[i] != NULL && !slice_is(v->key, known[i]))
            i++;
        if (known[i] == NULL)
            return fail(why, ERR_REQUEST, "\"%.*s\" is not known here",
                        (int)(v->key.len < 60 ? v->key.len : 60), v->key.at);
    }
    return ERR_OK;
}
