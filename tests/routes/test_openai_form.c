#include "support/check.h"

#include "routes/openai_form.h"
#include "support/alloc_fail.h"

#include <stdio.h>
#include <string.h>

enum { N_IDS = 1000 };

/* A body, read. */
struct read {
    struct arena       arena;
    struct openai_form form;
    struct reading     r;
    enum err           code;
};

static void read_body(struct read *x, enum openai_kind kind, const char *text)
{
    struct json *body;
    struct err_info why;
    memset(x, 0, sizeof *x);
    x->r.arena = &x->arena;
    x->r.n_ids = N_IDS;
    if (json_parse(&body, &x->arena, slice_of(text), JSON_DEPTH, &why)
        != ERR_OK)
        fail_msg("%s: %s", text, why.text);
    x->code = openai_form_read(&x->form, &x->r, kind, body, &why);
    if (x->code != ERR_OK)
        assert_string_equal(why.text, x->r.fault[0].message);
}

/* The body of a kind with this member added. */
static const char *with(enum openai_kind kind, const char *member)
{
    static char text[8192];
    snprintf(text, sizeof text, "{%s%s%s}", kind == OPENAI_CHAT
             ? "\"messages\": [{\"role\": \"user\", \"content\": \"hi\"}]"
             : "\"prompt\": \"hi\"", member[0] != '\0' ? ", " : "", member);
    return text;
}

static void takes(enum openai_kind kind, const char *member)
{
    struct read x;
    read_body(&x, kind, with(kind, member));
    if (x.code != ERR_OK)
        fail_msg("%s: refused: %s", member, x.r.fault[0].message);
    arena_drop(&x.arena);
}

/* Refused, and the first fault is about this field. */
static void refuses_at(const char *field, enum openai_kind kind,
                       const char *text)
{
    struct read x;
    read_body(&x, kind, text);
    if (x.code != ERR_REQUEST)
        fail_msg("%s: taken", text);
    if (strcmp(x.r.fault[0].field, field) != 0)
        fail_msg("%s: the fault is \"%s\"", text, x.r.fault[0].field);
    assert_non_null(strstr(x.r.fault[0].message, field));
    assert_true(x.r.fault[0].constraint[0] != '\0');
    arena_drop(&x.arena);
}

static void refuses(const char *field, enum openai_kind kind,
                    const char *member)
{
    refuses_at(field, kind, with(kind, member));
}

/* ---- numbers ---- */

/* Which of the eleven values a whole-number field takes. */
static const char *const values[] = {
    "-1", "2147483648", "9007199254740993", "18446744073709551616", "1e308",
    "1.5", "\"1\"", "[]", "true", "null", "1",
};
enum { N_VALUES = sizeof values / sizeof *values };

static void whole_numbers(void **state)
{
    static const struct {
        enum openai_kind kind;
        const char *name, *first, *taken;    /* 'y': taken */
    } rows[] = {
        { OPENAI_CHAT, "n", "",                     "nnnnnnnnnyy" },
        { OPENAI_CHAT, "max_tokens", "",            "nynnnnnnnyy" },
        { OPENAI_CHAT, "max_completion_tokens", "", "nynnnnnnnyy" },
        { OPENAI_CHAT, "seed", "",                  "nyynnnnnnyy" },
        { OPENAI_CHAT, "top_k", "",                 "nynnnnnnnyy" },
        { OPENAI_CHAT, "repeat_last_n", "",         "nynnnnnnnyy" },
        { OPENAI_CHAT, "top_logprobs", "\"logprobs\": true, ",
                                                    "nnnnnnnnnyy" },
        { OPENAI_TEXT, "logprobs", "",              "nnnnnnnnnyy" },
        { OPENAI_TEXT, "n", "",                     "nnnnnnnnnyy" },
        { OPENAI_TEXT, "max_tokens", "",            "nynnnnnnnyy" },
        { OPENAI_TEXT, "seed", "",                  "nyynnnnnnyy" },
        { OPENAI_TEXT, "best_of", "",               "nnnnnnnnnyy" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t v = 0; v < N_VALUES; v++) {
            char member[128];
            snprintf(member, sizeof member, "%s\"%s\": %s", rows[i].first,
                     rows[i].name, values[v]);
            if (rows[i].taken[v] == 'y')
                takes(rows[i].kind, member);
            else
                refuses(rows[i].name, rows[i].kind, member);
        }
}

static void real_numbers(void **state)
{
    static const struct { const char *name, *good[4], *bad[4]; } rows[] = {
        { "temperature", { "0", "2", "0.7", "null" },
          { "-0.01", "2.01", "1e308", "\"1\"" } },
        { "top_p", { "0", "1", "0.5", "null" },
          { "-1", "1.0001", "1e999", "true" } },
        { "min_p", { "0", "1", "0.05", "null" },
          { "-1", "2", "[]", "{}" } },
        { "repetition_penalty", { "0.1", "2", "1.1", "null" },
          { "0", "-1", "2.5", "\"\"" } },
        { "frequency_penalty", { "-2", "2", "0", "null" },
          { "-2.1", "2.1", "1e308", "false" } },
        { "presence_penalty", { "-2", "2", "0", "null" },
          { "-2.1", "2.1", "1e308", "false" } },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t v = 0; v < 4; v++) {
            char member[128];
            snprintf(member, sizeof member, "\"%s\": %s", rows[i].name,
                     rows[i].good[v]);
            takes(OPENAI_CHAT, member);
            snprintf(member, sizeof member, "\"%s\": %s", rows[i].name,
                     rows[i].bad[v]);
            refuses(rows[i].name, OPENAI_TEXT, member);
        }
}

static void what_is_read(void **state)
{
    struct read x;
    (void)state;
    read_body(&x, OPENAI_CHAT, with(OPENAI_CHAT,
        "\"model\": \"m\", \"n\": 3, \"max_completion_tokens\": 7, "
        "\"seed\": 18446744073709551615, \"stop\": [\"a\", \"bc\"], "
        "\"logit_bias\": {\"5\": -100, \"999\": 1.5}, \"temperature\": 0.25, "
        "\"top_k\": 40, \"logprobs\": true, \"top_logprobs\": 20, "
        "\"stream\": true, \"stream_options\": {\"include_usage\": true}, "
        "\"ignore_eos\": true, \"chat_template_kwargs\": {\"a\": 1}"));
    assert_int_equal(x.code, ERR_OK);
    assert_true(slice_is(x.form.model, "m"));
    assert_int_equal(x.form.n, 3);
    assert_int_equal(x.form.max_tokens, 7);
    assert_true(x.form.seed.given && x.form.seed.value == UINT64_MAX);
    assert_int_equal(x.form.stop.n, 2);
    assert_true(slice_is(x.form.stop.at[1], "bc"));
    assert_int_equal(x.form.n_bias, 2);
    assert_int_equal(x.form.bias[1].id, 999);
    assert_true(x.form.bias[1].bias == 1.5f);
    assert_true(x.form.asked.values.temperature == 0.25f);
    assert_int_equal(x.form.asked.values.top_k, 40);
    assert_int_equal(x.form.asked.given, 1u << SAMPLING_TEMPERATURE
                                         | 1u << SAMPLING_TOP_K);
    assert_true(x.form.logprobs && x.form.stream && x.form.include_usage);
    assert_int_equal(x.form.n_top, 20);
    assert_true(x.form.ignore_eos && x.form.add_generation_prompt);
    assert_int_equal(x.form.kwargs->n, 1);
    arena_drop(&x.arena);
}

static void defaults(void **state)
{
    struct read x;
    (void)state;
    read_body(&x, OPENAI_TEXT, with(OPENAI_TEXT, ""));
    assert_int_equal(x.code, ERR_OK);
    assert_int_equal(x.form.n, 1);
    assert_int_equal(x.form.max_tokens, 0);
    assert_int_equal(x.form.asked.given, 0);
    assert_false(x.form.logprobs || x.form.stream || x.form.seed.given);
    arena_drop(&x.arena);
}

/* ---- neutral, refused, unknown ---- */

static void neutral_values(void **state)
{
    static const char *const chat[] = {
        "\"tools\": []", "\"tools\": null", "\"tool_choice\": \"none\"",
        "\"tool_choice\": \"auto\"", "\"parallel_tool_calls\": true",
        "\"response_format\": {\"type\": \"text\"}", "\"store\": true",
        "\"metadata\": {\"a\": \"b\"}", "\"service_tier\": \"auto\"",
        "\"user\": \"u\"", "\"reasoning_effort\": \"low\"",
        "\"prompt_cache_key\": \"k\"", "\"safety_identifier\": \"s\"",
        "\"modalities\": [\"text\"]", "\"functions\": []",
        "\"stream_options\": null", "\"logit_bias\": {}", "\"stop\": []",
        "\"stop\": \"x\"", "\"logprobs\": false", "\"audio\": null",
    };
    static const char *const text[] = {
        "\"echo\": false", "\"suffix\": null", "\"suffix\": \"\"",
        "\"best_of\": 1", "\"logprobs\": 0", "\"user\": \"u\"",
    };
    (void)state;
    for (size_t i = 0; i < sizeof chat / sizeof *chat; i++)
        takes(OPENAI_CHAT, chat[i]);
    for (size_t i = 0; i < sizeof text / sizeof *text; i++)
        takes(OPENAI_TEXT, text[i]);
}

static void what_is_not_offered(void **state)
{
    (void)state;
    refuses("tools", OPENAI_CHAT, "\"tools\": [{\"type\": \"function\"}]");
    refuses("tool_choice", OPENAI_CHAT, "\"tool_choice\": \"required\"");
    refuses("tool_choice", OPENAI_CHAT, "\"tool_choice\": {}");
    refuses("response_format", OPENAI_CHAT,
            "\"response_format\": {\"type\": \"json_object\"}");
    refuses("response_format", OPENAI_CHAT, "\"response_format\": \"text\"");
    refuses("modalities", OPENAI_CHAT, "\"modalities\": [\"audio\"]");
    refuses("audio", OPENAI_CHAT, "\"audio\": {\"voice\": \"x\"}");
    refuses("functions", OPENAI_CHAT, "\"functions\": [{}]");
    refuses("guided_json", OPENAI_CHAT, "\"guided_json\": {\"a\": 1}");
    refuses("echo", OPENAI_TEXT, "\"echo\": true");
    refuses("suffix", OPENAI_TEXT, "\"suffix\": \"x\"");
    refuses("best_of", OPENAI_TEXT, "\"best_of\": 2");
}

static void unknown_members_are_named(void **state)
{
    struct read x;
    (void)state;
    read_body(&x, OPENAI_CHAT, with(OPENAI_CHAT, "\"zap\": 1, \"a b\": 2, "
                                    "\"cache_prompt\": true, \"x\\r\\ny\": 3"));
    assert_int_equal(x.code, ERR_OK);
    assert_string_equal(x.r.ignored, "zap, cache_prompt");
    arena_drop(&x.arena);
}

static void an_endless_list_of_unknown_members(void **state)
{
    static char text[8192], member[4096];
    struct read x;
    size_t n = 0;
    (void)state;
    for (int i = 0; i < 200; i++)
        n += (size_t)snprintf(member + n, sizeof member - n, "%s\"u%d\": 0",
                              i > 0 ? ", " : "", i);
    snprintf(text, sizeof text, "%s", with(OPENAI_CHAT, member));
    read_body(&x, OPENAI_CHAT, text);
    assert_int_equal(x.code, ERR_OK);
    assert_true(strlen(x.r.ignored) < sizeof x.r.ignored);
    assert_true(strncmp(x.r.ignored, "u0, u1, u2", 10) == 0);
    arena_drop(&x.arena);
}

/* ---- fields that depend on each other ---- */

static void contradictions(void **state)
{
    (void)state;
    refuses("stream_options", OPENAI_CHAT,
            "\"stream_options\": {\"include_usage\": true}");
    refuses("top_logprobs", OPENAI_CHAT, "\"top_logprobs\": 3");
    refuses("max_tokens", OPENAI_CHAT,
            "\"max_tokens\": 3, \"max_completion_tokens\": 4");
    takes(OPENAI_CHAT, "\"max_tokens\": 3, \"max_completion_tokens\": 3");
    refuses("continue_final_message", OPENAI_CHAT,
            "\"continue_final_message\": true, "
            "\"add_generation_prompt\": true");
    takes(OPENAI_CHAT, "\"continue_final_message\": true");
    refuses("stream_options.include_usage", OPENAI_CHAT, "\"stream\": true, "
            "\"stream_options\": {\"include_usage\": 1}");
}

static void every_fault_is_told(void **state)
{
    struct read x;
    (void)state;
    read_body(&x, OPENAI_CHAT, "{\"n\": 9, \"top_p\": 2, \"seed\": \"x\"}");
    assert_int_equal(x.code, ERR_REQUEST);
    assert_int_equal(x.r.n_faults, 4);
    assert_string_equal(x.r.fault[0].field, "n");
    assert_string_equal(x.r.fault[0].constraint, "range(1..=8)");
    assert_string_equal(x.r.fault[0].message, "n must be at most 8 (got 9)");
    assert_true(x.r.fault[0].has_value && x.r.fault[0].value == 9);
    assert_string_equal(x.r.fault[1].constraint, "range(0.0..=1.0)");
    assert_false(x.r.fault[2].has_value);
    assert_string_equal(x.r.fault[3].message, "messages is required");
    arena_drop(&x.arena);
}

static void texts_and_bias(void **state)
{
    static char member[600];
    (void)state;
    refuses("stop[1]", OPENAI_TEXT, "\"stop\": [\"a\", \"\"]");
    refuses("stop[0]", OPENAI_TEXT, "\"stop\": [1]");
    refuses("stop", OPENAI_TEXT, "\"stop\": 1");
    refuses("stop[0]", OPENAI_TEXT, "\"stop\": \"\"");
    snprintf(member, sizeof member, "\"stop\": \"%0256d\"", 0);
    takes(OPENAI_TEXT, member);
    snprintf(member, sizeof member, "\"stop\": \"%0257d\"", 0);
    refuses("stop[0]", OPENAI_TEXT, member);
    refuses("stop", OPENAI_TEXT, "\"stop\": [\"1\",\"2\",\"3\",\"4\",\"5\","
            "\"6\",\"7\",\"8\",\"9\",\"1\",\"1\",\"1\",\"1\",\"1\",\"1\","
            "\"1\",\"1\"]");
    refuses("logit_bias", OPENAI_TEXT, "\"logit_bias\": {\"1000\": 1}");
    refuses("logit_bias", OPENAI_TEXT, "\"logit_bias\": {\"-1\": 1}");
    refuses("logit_bias", OPENAI_TEXT, "\"logit_bias\": {\"01\": 1}");
    refuses("logit_bias", OPENAI_TEXT, "\"logit_bias\": {\"\": 1}");
    refuses("logit_bias", OPENAI_TEXT, "\"logit_bias\": {\"1x\": 1}");
    refuses("logit_bias", OPENAI_TEXT,
            "\"logit_bias\": {\"18446744073709551616\": 1}");
    refuses("logit_bias", OPENAI_TEXT, "\"logit_bias\": {\"1\": 100.5}");
    refuses("logit_bias", OPENAI_TEXT, "\"logit_bias\": {\"1\": \"1\"}");
    refuses("logit_bias", OPENAI_TEXT, "\"logit_bias\": {\"1\": null}");
    refuses("logit_bias", OPENAI_TEXT, "\"logit_bias\": [1]");
    refuses("model", OPENAI_TEXT, "\"model\": 5");
    refuses("stream", OPENAI_TEXT, "\"stream\": \"true\"");
    refuses("chat_template_kwargs", OPENAI_CHAT,
            "\"chat_template_kwargs\": []");
    refuses("documents", OPENAI_CHAT, "\"documents\": {}");
}

/* ---- messages and prompts ---- */

static void messages(void **state)
{
    struct read x;
    (void)state;
    read_body(&x, OPENAI_CHAT, "{\"messages\": ["
        "{\"role\": \"developer\", \"content\": \"d\"},"
        "{\"content\": [{\"type\": \"text\", \"text\": \"a\"}, "
        "{\"type\": \"text\", \"text\": \"b\"}], \"role\": \"user\", "
        "\"name\": \"n\"},"
        "{\"role\": \"assistant\", \"content\": null, \"tool_calls\": []}]}");
    assert_int_equal(x.code, ERR_OK);
    const struct json *m = x.form.messages;
    assert_int_equal(m->n, 3);
    assert_true(slice_is(json_get(m->first, "role")->string, "system"));
    const struct json *two = m->first->next;
    assert_true(slice_is(json_get(two, "content")->string, "a\nb"));
    assert_true(slice_is(json_get(two, "role")->string, "user"));
    assert_true(slice_is(json_get(two, "name")->string, "n"));
    arena_drop(&x.arena);
}

static void bad_messages(void **state)
{
    static const struct { const char *field, *messages; } rows[] = {
        { "messages", "[]" }, { "messages", "{}" }, { "messages", "\"hi\"" },
        { "messages", "null" }, { "messages[0]", "[1]" },
        { "messages[0]", "[[]]" }, { "messages[0].role", "[{}]" },
        { "messages[1].role", "[{\"role\": \"user\", \"content\": \"\"}, "
                              "{\"role\": 5}]" },
        { "messages[0].role", "[{\"role\": \"root\", \"content\": \"x\"}]" },
        { "messages[0].content", "[{\"role\": \"user\"}]" },
        { "messages[0].content", "[{\"role\": \"user\", \"content\": null}]" },
        { "messages[0].content", "[{\"role\": \"user\", \"content\": 5}]" },
        { "messages[0].content[0]",
          "[{\"role\": \"user\", \"content\": [5]}]" },
        { "messages[0].content[0].type",
          "[{\"role\": \"user\", \"content\": [{}]}]" },
        { "messages[0].content[1].type",
          "[{\"role\": \"user\", \"content\": [{\"type\": \"text\", "
          "\"text\": \"\"}, {\"type\": \"image_url\"}]}]" },
        { "messages[0].content[0].type",
          "[{\"role\": \"user\", \"content\": "
          "[{\"type\": \"input_audio\"}]}]" },
        { "messages[0].content[0].text",
          "[{\"role\": \"user\", \"content\": [{\"type\": \"text\"}]}]" },
    };
    char text[512];
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        snprintf(text, sizeof text, "{\"messages\": %s}", rows[i].messages);
        refuses_at(rows[i].field, OPENAI_CHAT, text);
    }
}

static void prompts(void **state)
{
    static const struct { const char *prompt; size_t n; } good[] = {
        { "\"\"", 1 }, { "\"a\"", 1 }, { "[1, 2, 999]", 1 },
        { "[\"a\", \"b\"]", 2 }, { "[[1], [2, 3], \"x\"]", 3 },
    };
    static const struct { const char *field, *prompt; } bad[] = {
        { "prompt", "5" }, { "prompt", "{}" }, { "prompt", "[]" },
        { "prompt", "[1000]" }, { "prompt", "[1, -1]" },
        { "prompt", "[1, 1.5]" }, { "prompt", "[1, \"a\"]" },
        { "prompt[1]", "[\"a\", []]" }, { "prompt[1]", "[\"a\", null]" },
        { "prompt[0]", "[[1000], [1]]" }, { "prompt", "[true]" },
        { "prompt", "true" }, { "prompt", "null" },
    };
    char text[128];
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct read x;
        snprintf(text, sizeof text, "{\"prompt\": %s}", good[i].prompt);
        read_body(&x, OPENAI_TEXT, text);
        assert_int_equal(x.code, ERR_OK);
        assert_int_equal(x.form.prompt->n, good[i].n);
        arena_drop(&x.arena);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        snprintf(text, sizeof text, "{\"prompt\": %s}", bad[i].prompt);
        refuses_at(bad[i].field, OPENAI_TEXT, text);
    }
}

static void too_many_prompts(void **state)
{
    char text[1024] = "{\"prompt\": [\"a\"";
    (void)state;
    for (int i = 0; i < OPENAI_PROMPTS_MAX; i++)
        strcat(text, ", \"a\"");
    strcat(text, "]}");
    refuses_at("prompt", OPENAI_TEXT, text);
}

/* ---- memory ---- */

static enum err read_once(void *arg)
{
    struct arena arena = { 0 };
    struct openai_form form;
    struct reading r = { .arena = &arena, .n_ids = N_IDS };
    struct err_info why;
    struct json *body;
    enum err e = json_parse(&body, &arena, slice_of(arg), JSON_DEPTH, &why);
    if (e == ERR_OK)
        e = openai_form_read(&form, &r, OPENAI_CHAT, body, &why);
    arena_drop(&arena);
    return e;
}

static void no_memory(void **state)
{
    char text[] = "{\"messages\": [{\"role\": \"user\", \"content\": "
        "[{\"type\": \"text\", \"text\": \"a\"}]}], \"stop\": [\"x\"], "
        "\"logit_bias\": {\"1\": 2}}";
    (void)state;
    assert_true(alloc_fail_each(read_once, text) >= 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_numbers),
        cmocka_unit_test(real_numbers),
        cmocka_unit_test(what_is_read),
        cmocka_unit_test(defaults),
        cmocka_unit_test(neutral_values),
        cmocka_unit_test(what_is_not_offered),
        cmocka_unit_test(unknown_members_are_named),
        cmocka_unit_test(an_endless_list_of_unknown_members),
        cmocka_unit_test(contradictions),
        cmocka_unit_test(every_fault_is_told),
        cmocka_unit_test(texts_and_bias),
        cmocka_unit_test(messages),
        cmocka_unit_test(bad_messages),
        cmocka_unit_test(prompts),
        cmocka_unit_test(too_many_prompts),
        cmocka_unit_test(no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
