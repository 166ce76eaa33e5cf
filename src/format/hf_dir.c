/* What stands beside the weights in a Hugging Face directory: config.json,
 * generation_config.json and the tokenizer's files.
 *
 * config.json is read first of all: it is small, and most of what can be wrong
 * with a directory shows in it.  The tokenizer's files are only mapped; which
 * of them count, and whether they are right, is decided in `text`. */
#include "format/opening.h"

#include "base/limits.h"

#include <stdio.h>

/* The tree of an optional file; k->top stays NULL when there is none. */
static enum err read_keys(struct opening *o, const char *dir, const char *name,
                          struct keys *k)
{
    struct side_file side = { dir, name, LIMIT_CONFIG_FILE };
    struct slice text;
    enum err e = opening_text(o, &side, &text, &k->path);

    k->naming = NAMING_HF;
    if (e != ERR_OK || text.at == NULL)
        return e;
    return opening_json(o, text, k->path, &k->top);
}

/* All names that may tell the architecture.  The class is asked of the top
 * level alone: text_config repeats the wrapper's there, or has none. */
static enum err read_names(struct opening *o)
{
    const struct keys *k = &o->c.keys;
    const struct json *text_type = json_get(k->text, "model_type");
    const struct json *top_type = json_get(k->top, "model_type");
    struct arch_names *a = &o->c.arch;

    if (json_is(top_type, JSON_STRING))
        a->model_type = top_type->string;
    if (json_is(text_type, JSON_STRING))
        a->text_model_type = text_type->string;
    return keys_string_at(&a->class_name, &(struct keys){
                              .naming = NAMING_HF, .path = k->path,
                              .top = k->top },
                          (struct key_name){ "architectures", NULL }, 0,
                          o->why);
}

/* Members that a dotted key would look into: json_path finds nothing in what is
 * no object, and nothing would look like an absent key. */
static enum err check_types(struct opening *o)
{
    static const char *const objects[] = { "text_config", "rope_scaling",
                                           "rope_parameters",
                                           "quantization_config" };
    const struct json *type = json_get(o->c.keys.top, "model_type");

    for (size_t i = 0; i < sizeof objects / sizeof objects[0]; i++) {
        struct key_name name = { objects[i], NULL };
        enum key_kind kind = keys_kind(&o->c.keys, name);

        if (kind != KEY_ABSENT && kind != KEY_OBJECT)
            return keys_fail(&o->c.keys, name, ERR_FORMAT, o->why,
                             "is no object");
    }
    if (type != NULL && type->kind != JSON_NULL && type->kind != JSON_STRING)
        return keys_fail(&o->c.keys, (struct key_name){ "model_type", NULL },
                         ERR_FORMAT, o->why, "is no string");
    return ERR_OK;
}

enum err opening_hf_config(struct opening *o, const char *dir)
{
    struct keys *k = &o->c.keys;
    enum err e;

    if ((e = read_keys(o, dir, "config.json", k)) != ERR_OK
        || (e = read_keys(o, dir, "generation_config.json", &o->generation))
           != ERR_OK)
        return e;
    if (k->top == NULL)
        return o->no_weights ? ERR_OK
                             : fail(o->why, ERR_IO, "%s: does not exist; it "
                                    "says what the model is, so it has to lie "
                                    "beside the weights", k->path);
    if ((e = check_types(o)) != ERR_OK)
        return e;
    k->text = json_get(k->top, "text_config");
    if (!json_is(k->text, JSON_OBJECT))
        k->text = NULL;
    return read_names(o);
}

/* The ids that config.json gives by role.  eos may be a list there; then its
 * first entry counts here, and all of them in eos_ids. */
static enum err read_roles(struct opening *o)
{
    static const char *const stems[TOK_N_ROLES] = {
#define X(id, text) [TOK_ROLE_##id] = text,
        TOK_ROLE_LIST(X)
#undef X
    };
    char name[32];
    enum err e = ERR_OK;

    for (size_t i = 0; e == ERR_OK && i < TOK_N_ROLES; i++) {
        struct key_name key = { name, NULL };

        snprintf(name, sizeof name, "%s_token_id", stems[i]);
        if (keys_kind(&o->c.keys, key) == KEY_ARRAY
            && keys_len(&o->c.keys, key) == 0)
            continue;
        e = keys_int_at(&o->c.tok.role[i], &o->c.keys, key, 0, o->why);
    }
    return e;
}

enum err opening_hf_tok(struct opening *o, const char *dir)
{
    struct tok_source *t = &o->c.tok;
    const struct { const char *name; uint64_t limit; struct slice *out; }
    files[] = {
        { "tokenizer.json", LIMIT_TOKENIZER_JSON, &t->tokenizer_json },
        { "tokenizer_config.json", LIMIT_CONFIG_FILE,
          &t->tokenizer_config_json },
        { "special_tokens_map.json", LIMIT_CONFIG_FILE,
          &t->special_tokens_map_json },
        { "added_tokens.json", LIMIT_CONFIG_FILE, &t->added_tokens_json },
        { "vocab.json", LIMIT_TOKENIZER_JSON, &t->vocab_json },
        { "merges.txt", LIMIT_TOKENIZER_JSON, &t->merges_txt },
    };
    enum err e;

    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct side_file side = { dir, files[i].name, files[i].limit };

        if ((e = opening_text(o, &side, files[i].out, NULL)) != ERR_OK)
            return e;
    }
    if ((e = read_roles(o)) != ERR_OK)
        return e;
    return opening_hf_templates(o, dir);
}
