/* Messages are changed in copies: a request is the caller's.  Only the levels
 * that change are copied (the list, each message, its tool calls); everything
 * below is shared. */
#include "text/chat_messages.h"

#include "text/template_text.h"

static struct json *member(struct json *object, const char *key)
{
    for (struct json *c = object->first; c != NULL; c = c->next)
        if (slice_is(c->key, key))
            return c;
    return NULL;
}

/* Make a child a copy of itself one level deep, keeping its place. */
static bool own_children(struct arena *arena, struct json *child)
{
    struct json *copy = json_copy_level(arena, child);
    if (copy == NULL)
        return false;
    child->first = copy->first;
    return true;
}

/* ---- tool calls ---- */

/* Arguments come as JSON in a string; templates expect the object.  Text that
 * is no JSON stays. */
static bool parse_arguments(struct arena *arena, struct json *args)
{
    struct json *value;
    struct err_info why;
    if (args->kind != JSON_STRING)
        return true;
    enum err e = json_parse(&value, arena, args->string, JSON_DEPTH, &why);
    if (e == ERR_NOMEM)
        return false;
    if (e != ERR_OK)
        return true;
    value->key = args->key;
    value->next = args->next;
    *args = *value;
    return true;
}

static bool prepare_call(struct arena *arena, struct json *call)
{
    struct json *function, *args;
    if (call->kind != JSON_OBJECT)
        return true;
    if (!own_children(arena, call))
        return false;
    function = member(call, "function");
    if (function == NULL || function->kind != JSON_OBJECT)
        return true;
    if (!own_children(arena, function))
        return false;
    args = member(function, "arguments");
    return args == NULL || parse_arguments(arena, args);
}

static bool prepare_calls(struct arena *arena, struct json *message)
{
    struct json *calls = member(message, "tool_calls");
    if (calls == NULL || calls->kind != JSON_ARRAY)
        return true;
    if (!own_children(arena, calls))
        return false;
    for (struct json *c = calls->first; c != NULL; c = c->next)
        if (!prepare_call(arena, c))
            return false;
    return true;
}

/* ---- reasoning ---- */

static bool insert_member(struct arena *arena, struct json *message,
                          const char *key, const struct json *value,
                          bool in_front)
{
    struct json *copy = json_copy_node(arena, value);
    if (copy == NULL)
        return false;
    struct json **at = &message->first;
    while (!in_front && *at != NULL)
        at = &(*at)->next;
    copy->key = slice_of(key);
    copy->next = *at;
    *at = copy;
    message->n++;
    return true;
}

/* The first of the names that has a value fills reasoning_content, and thinking
 * when the message has none of its own. */
static bool fill_reasoning(struct arena *arena, struct json *message)
{
    static const char *const names[] = { "reasoning_content", "thinking",
                                         "reasoning" };
    const struct json *value = NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names && value == NULL; i++) {
        value = member(message, names[i]);
        if (value != NULL && value->kind == JSON_NULL)
            value = NULL;
    }
    if (value == NULL)
        return true;
    struct json *content = member(message, "reasoning_content");
    if (content != NULL) {
        struct json filled = *value;
        filled.key = content->key;
        filled.next = content->next;
        *content = filled;
    } else if (!insert_member(arena, message, names[0], value, false)) {
        return false;
    }
    return member(message, "thinking") != NULL
        || insert_member(arena, message, names[1], value, true);
}

enum err messages_prepare(struct json **out, struct arena *arena,
                          const struct json *messages, struct err_info *why)
{
    struct json *all = json_copy_level(arena, messages);
    size_t i = 0;
    if (all == NULL)
        return fail_nomem(why);
    for (struct json *m = all->first; m != NULL; m = m->next, i++) {
        if (m->kind != JSON_OBJECT)
            return fail(why, ERR_REQUEST, "messages[%zu] is %s, expected an"
                        " object", i, json_kind_name(m->kind));
        if (!own_children(arena, m) || !prepare_calls(arena, m)
            || !fill_reasoning(arena, m))
            return fail_nomem(why);
    }
    *out = all;
    return ERR_OK;
}

/* ---- continuing the last message ---- */

#define MARK "CONTINUE_FINAL_MESSAGE_TAG "

/* The last part of a list of parts that has text. */
static struct json *last_text(struct arena *arena, struct json *parts)
{
    struct json *found = NULL;
    if (!own_children(arena, parts))
        return NULL;
    for (struct json *c = parts->first; c != NULL; c = c->next)
        if (c->kind == JSON_OBJECT && own_children(arena, c)
            && json_is(member(c, "text"), JSON_STRING))
            found = member(c, "text");
    return found;
}

enum err messages_mark(struct json *messages, struct arena *arena,
                       struct slice *final, struct err_info *why)
{
    struct json *last = messages->first, *text = NULL;
    while (last != NULL && last->next != NULL)
        last = last->next;
    if (last != NULL)
        text = member(last, "content");
    if (text != NULL && text->kind == JSON_ARRAY)
        text = last_text(arena, text);
    if (text == NULL || text->kind != JSON_STRING)
        return fail(why, ERR_REQUEST, "continue_final_message is set but the"
                    " final message has no text to continue");
    size_t len = text->string.len, mark = sizeof MARK - 1;
    char *marked = arena_take(arena, len + mark, 1);
    if (marked == NULL)
        return fail_nomem(why);
    *final = text->string;
    if (len > 0)
        memcpy(marked, text->string.at, len);
    memcpy(marked + len, MARK, mark);
    text->string = (struct slice){ marked, len + mark };
    return ERR_OK;
}

static struct slice stripped(struct slice s)
{
    s.len = text_rstrip_len(s);
    return slice_from(s, text_lspace_len(s));
}

enum err prompt_cut(struct strbuf *prompt, size_t from, struct slice final,
                    struct err_info *why)
{
    struct slice all = slice_from(strbuf_slice(prompt), from);
    struct slice mark = stripped(SLICE(MARK)), text = stripped(final);
    size_t at = all.len;
    for (size_t i = 0; (i = slice_find(all, mark, i)) < all.len; i++)
        at = i;
    if (at == all.len
        || (text.len > 0 && slice_find(all, text, 0) == all.len))
        return fail(why, ERR_REQUEST, "continue_final_message is set but the"
                    " final message does not appear in the prompt that the"
                    " chat template makes");
    bool spaced = slice_starts(slice_from(all, at), SLICE(MARK));
    all.len = at;
    prompt->len = from + (spaced ? at : text_rstrip_len(all));
    return ERR_OK;
}
