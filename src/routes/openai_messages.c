/* Messages and prompts, checked member by member before a template sees them.
 *
 * A template is a program of somebody else's: what it says about a message that
 * is wrong is "unsupported operand type(s)", and some print the wrong thing
 * without a word.  So shapes are checked here, where the place can be named
 * ("messages[2].content[0].type"), on a copy that is then brought into the form
 * all templates know: texts, not parts; no member that says null. */
#include "routes/openai_messages.h"

#include <stdio.h>

/* Where in the body we are, for faults: "messages[2].content[0].type". */
struct place {
    char text[FAULT_FIELD];
};

static struct place element(const struct place *in, size_t i)
{
    struct place p;
    snprintf(p.text, sizeof p.text, "%.40s[%zu]", in->text, i);
    return p;
}

static struct place member(const struct place *in, const char *name)
{
    struct place p;
    snprintf(p.text, sizeof p.text, "%.48s.%.14s", in->text, name);
    return p;
}

static void wrong_kind(struct reading *r, const struct place *at,
                       const char *expected, const struct json *v)
{
    fault_add(r, at->text, "type", "%s must be %s, not %s", at->text, expected,
              v == NULL ? "left out" : json_kind_name(v->kind));
}

/* ---- content ---- */

/* The text of a part, or NULL. */
static const struct json *part_text(struct reading *r, const struct place *at,
                                    const struct json *part)
{
    struct place type_at = member(at, "type"), text_at = member(at, "text");
    const struct json *type = json_get(part, "type");
    const struct json *text = json_get(part, "text");
    if (!json_is(part, JSON_OBJECT))
        wrong_kind(r, at, "an object", part);
    else if (!json_is(type, JSON_STRING))
        wrong_kind(r, &type_at, "a string", type);
    else if (!slice_is(type->string, "text"))
        fault_add(r, type_at.text, "not_offered", "%s: parts other than "
                  "\"text\" are not offered by this server", type_at.text);
    else if (!json_is(text, JSON_STRING))
        wrong_kind(r, &text_at, "a string", text);
    else
        return text;
    return NULL;
}

/* Parts joined by line feeds.  Most templates know a text only. */
static void join_parts(struct reading *r, const struct place *at,
                       struct json *content)
{
    struct strbuf all = { 0 };
    size_t i = 0, n_faults = r->n_faults;
    for (const struct json *p = content->first; p != NULL; p = p->next, i++) {
        struct place part_at = element(at, i);
        const struct json *text = part_text(r, &part_at, p);
        if (text != NULL && i > 0)
            strbuf_putc(&all, '\n');
        if (text != NULL)
            strbuf_put(&all, text->string);
    }
    struct slice joined = arena_copy(r->arena, strbuf_slice(&all));
    if (all.failed || joined.at == NULL)
        r->no_memory = true;
    else if (r->n_faults == n_faults)
        *content = (struct json){ .kind = JSON_STRING, .key = content->key,
                                  .next = content->next, .string = joined };
    strbuf_drop(&all);
}

static void check_content(struct reading *r, const struct place *message,
                          struct json *content, bool may_be_null)
{
    struct place at = member(message, "content");
    if (content == NULL || content->kind == JSON_NULL) {
        if (!may_be_null)
            wrong_kind(r, &at, "a string or an array of parts", content);
    } else if (content->kind == JSON_ARRAY) {
        join_parts(r, &at, content);
    } else if (content->kind != JSON_STRING) {
        wrong_kind(r, &at, "a string or an array of parts", content);
    }
}

/* ---- messages ---- */

static struct json *find(struct json *object, const char *name)
{
    struct json *m = object->first;
    while (m != NULL && !slice_is(m->key, name))
        m = m->next;
    return m;
}

static const char *const roles[] = {
    "system", "developer", "user", "assistant", "tool",
};

static bool check_role(struct reading *r, const struct place *message,
                       struct json *role)
{
    struct place at = member(message, "role");
    if (!json_is(role, JSON_STRING)) {
        wrong_kind(r, &at, "a string", role);
        return false;
    }
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
        if (slice_is(role->string, roles[i]))
            return true;
    fault_add(r, at.text, "one_of", "%s must be system, developer, user, "
              "assistant or tool", at.text);
    return false;
}

/* Members that say null, as the official client writes them back (`"audio":
 * null`), are left out: templates ask whether a member is defined.  But not the
 * content: some templates ask whether that is none. */
static void drop_nulls(struct json *message)
{
    struct json **link = &message->first;
    while (*link != NULL) {
        struct json *m = *link;
        if (m->kind == JSON_NULL && !slice_is(m->key, "content")) {
            *link = m->next;
            message->n--;
        } else {
            link = &m->next;
        }
    }
}

bool openai_fill_contents(const struct json *messages)
{
    bool filled = false;
    for (struct json *m = messages->first; m != NULL; m = m->next) {
        struct json *content = find(m, "content");
        if (content == NULL || content->kind != JSON_NULL)
            continue;
        content->kind = JSON_STRING;
        content->string = SLICE("");
        filled = true;
    }
    return filled;
}

static void check_message(struct reading *r, const struct place *at,
                          struct json *message)
{
    if (message->kind != JSON_OBJECT) {
        wrong_kind(r, at, "an object", message);
        return;
    }
    struct json *own = json_copy_level(r->arena, message);
    if (own == NULL) {
        r->no_memory = true;
        return;
    }
    message->first = own->first;
    drop_nulls(message);
    struct json *role = find(message, "role");
    if (!check_role(r, at, role))
        return;
    bool has_calls = json_is(find(message, "tool_calls"), JSON_ARRAY);
    check_content(r, at, find(message, "content"), has_calls);
    if (slice_is(role->string, "developer"))
        role->string = SLICE("system");
}

void openai_check_messages(struct reading *r, const struct field *f,
                           const struct json *v)
{
    struct place list = { .text = "messages" };
    if (v->kind != JSON_ARRAY || v->n == 0) {
        fault_add(r, f->name, v->kind == JSON_ARRAY ? "non_empty" : "array",
                  "%s must be an array of messages, %s", f->name,
                  v->kind == JSON_ARRAY ? "at least one" : "not what it is");
        return;
    }
    struct json *own = json_copy_level(r->arena, v);
    if (own == NULL) {
        r->no_memory = true;
        return;
    }
    size_t i = 0;
    for (struct json *m = own->first; m != NULL; m = m->next, i++) {
        struct place at = element(&list, i);
        check_message(r, &at, m);
    }
    *(const struct json **)field_at(r, f) = own;
}

/* ---- prompts ---- */

static void check_ids(struct reading *r, const struct place *at,
                      const struct json *ids)
{
    size_t i = 0;
    if (ids->n == 0)
        fault_add(r, at->text, "non_empty", "%s must not be empty", at->text);
    for (const struct json *v = ids->first; v != NULL; v = v->next, i++)
        if (v->kind != JSON_INT || v->integer.negative
            || v->integer.magnitude >= r->n_ids) {
            fault_add(r, at->text, "token_id", "%s: element %zu is no token id "
                      "from 0 to %zu", at->text, i, r->n_ids - 1);
            return;
        }
}

static void check_one(struct reading *r, const struct place *at,
                      const struct json *prompt)
{
    if (prompt->kind == JSON_ARRAY)
        check_ids(r, at, prompt);
    else if (prompt->kind != JSON_STRING)
        wrong_kind(r, at, "a string or an array of token ids", prompt);
}

/* One prompt becomes a list of one, so that there is one form behind here. */
static const struct json *as_list(struct reading *r, const struct json *v)
{
    struct json *list, *one;
    if (v->kind == JSON_ARRAY && v->n > 0 && v->first->kind != JSON_INT)
        return v;
    one = json_copy_node(r->arena, v);
    list = json_copy_node(r->arena, v);
    if (one == NULL || list == NULL) {
        r->no_memory = true;
        return NULL;
    }
    *list = (struct json){ .kind = JSON_ARRAY, .n = 1, .first = one };
    return list;
}

void openai_check_prompt(struct reading *r, const struct field *f,
                         const struct json *v)
{
    struct place at = { .text = "prompt" };
    const struct json *list = as_list(r, v);
    size_t i = 0;
    if (list == NULL)
        return;
    if (list->n > OPENAI_PROMPTS_MAX) {
        fault_add(r, f->name, "max_count(64)", "%s must be at most %d prompts "
                  "(got %zu)", f->name, OPENAI_PROMPTS_MAX, list->n);
        return;
    }
    for (const struct json *p = list->first; p != NULL; p = p->next, i++) {
        struct place one = element(&at, i);
        check_one(r, list->n > 1 ? &one : &at, p);
    }
    *(const struct json **)field_at(r, f) = list;
}
