/* The chat templates of a Hugging Face directory, the source that counts first:
 * chat_template.jinja, additional_chat_templates/NAME.jinja, then what
 * tokenizer_config.json and chat_template.json carry as a string or a list. */
#include "format/opening.h"

#include "base/limits.h"

/* Real models have one to three. */
enum { MAX_TEMPLATES = 64 };

struct templates {
    struct opening    *o;
    struct named_text  list[MAX_TEMPLATES];
    size_t             n;
};

static enum err add(struct templates *t, struct slice name, struct slice text,
                    const char *path)
{
    if (text.len > LIMIT_TEMPLATE_FILE)
        return fail(t->o->why, ERR_LIMIT, "%s: the chat template has %zu bytes"
                    ", the limit is %d", path, text.len, LIMIT_TEMPLATE_FILE);
    if (t->n == MAX_TEMPLATES)
        return fail(t->o->why, ERR_LIMIT, "%s: the model has more than %d chat "
                    "templates", path, MAX_TEMPLATES);
    t->list[t->n++] = (struct named_text){ name, text };
    return ERR_OK;
}

static enum err add_file(struct templates *t, const char *dir, const char *file,
                         struct slice name)
{
    struct side_file side = { dir, file, LIMIT_TEMPLATE_FILE };
    struct slice text;
    const char *path;
    enum err e = opening_text(t->o, &side, &text, &path);

    return e != ERR_OK || text.at == NULL ? e : add(t, name, text, path);
}

/* Sorted by name, as dir_list gives them. */
static enum err add_folder(struct templates *t, const char *dir)
{
    const char *path = opening_path(t->o, dir, "additional_chat_templates");
    struct dir_list names;
    enum err e;

    if (path == NULL)
        return fail_nomem(t->o->why);
    if (file_kind(path) != FILE_DIRECTORY)
        return ERR_OK;
    e = dir_list(&names, path, t->o->why);
    if (e != ERR_OK)
        return e;
    for (size_t i = 0; e == ERR_OK && i < names.n; i++) {
        struct slice name = slice_of(names.names[i]);

        if (!slice_ends(name, SLICE(".jinja")))
            continue;
        name.len -= sizeof ".jinja" - 1;
        name = arena_copy(&t->o->arena, name);
        e = name.at == NULL ? fail_nomem(t->o->why)
                            : add_file(t, path, names.names[i], name);
    }
    dir_list_drop(&names);
    return e;
}

/* A list of {"name": ..., "template": ...}. */
static enum err add_list(struct templates *t, const struct json *list,
                         const char *path)
{
    enum err e = ERR_OK;

    for (const struct json *v = list->first; e == ERR_OK && v != NULL;
         v = v->next) {
        const struct json *name = json_get(v, "name");
        const struct json *text = json_get(v, "template");

        if (!json_is(name, JSON_STRING) || !json_is(text, JSON_STRING))
            return fail(t->o->why, ERR_FORMAT, "%s: chat_template: an entry "
                        "is not {\"name\": string, \"template\": string}",
                        path);
        e = add(t, name->string, text->string, path);
    }
    return e;
}

/* Only the one member is made a tree: the rest of tokenizer_config.json may
 * have thousands of entries that nobody here needs. */
static enum err add_member(struct templates *t, struct slice raw,
                           const char *path)
{
    struct json *v;
    enum err e = opening_tree(t->o, raw, path, &v);

    if (e != ERR_OK)
        return e;
    if (v->kind == JSON_STRING)
        return add(t, SLICE("default"), v->string, path);
    if (v->kind == JSON_ARRAY)
        return add_list(t, v, path);
    if (v->kind == JSON_NULL)
        return ERR_OK;
    return fail(t->o->why, ERR_FORMAT, "%s: chat_template is %s, expected a "
                "string or a list", path, json_kind_name(v->kind));
}

/* Walks to the member and stops: what comes behind it is for the tokenizer to
 * read, and to complain about. */
static enum err find_member(struct templates *t, struct slice text,
                            const char *path)
{
    struct json_reader r;
    struct json_token token;
    struct slice raw;
    enum err e;

    json_reader_init(&r, text, JSON_DEPTH);
    e = json_next(&r, &token, t->o->why);
    if (e == ERR_OK && token.kind != JSON_OBJECT)
        return fail(t->o->why, ERR_FORMAT, "%s: is %s, expected an object",
                    path, json_kind_name(token.kind));
    while (e == ERR_OK) {
        e = json_next(&r, &token, t->o->why);
        if (e != ERR_OK || token.kind == JSON_END)
            break;
        e = json_skip(&r, &token, &raw, t->o->why);
        if (e == ERR_OK && slice_is(token.key, "chat_template"))
            return add_member(t, raw, path);
    }
    return e == ERR_OK ? e : fail_within(t->o->why, "%s", path);
}

static enum err add_json(struct templates *t, const char *dir, const char *name)
{
    struct side_file side = { dir, name, LIMIT_CONFIG_FILE };
    struct slice text;
    const char *path;
    enum err e = opening_text(t->o, &side, &text, &path);

    return e != ERR_OK || text.at == NULL ? e : find_member(t, text, path);
}

enum err opening_hf_templates(struct opening *o, const char *dir)
{
    struct templates t = { .o = o };
    struct named_text *kept;
    enum err e;

    if ((e = add_file(&t, dir, "chat_template.jinja", SLICE("default")))
            != ERR_OK
        || (e = add_folder(&t, dir)) != ERR_OK
        || (e = add_json(&t, dir, "tokenizer_config.json")) != ERR_OK
        || (e = add_json(&t, dir, "chat_template.json")) != ERR_OK)
        return e;
    kept = arena_take(&o->arena, t.n, sizeof *kept);
    if (kept == NULL && t.n > 0)
        return fail_nomem(o->why);
    if (t.n > 0)
        memcpy(kept, t.list, t.n * sizeof *kept);
    o->c.tok.templates = kept;
    o->c.tok.n_templates = t.n;
    return ERR_OK;
}
