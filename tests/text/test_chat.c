/* Requests to prompts: which template, which variables, which refusals. */
#include "support/alloc_fail.h"
#include "support/check.h"

#include "text/chat.h"

#include <stdio.h>

struct world {
    struct arena        arena;
    struct tok_source   src;
    struct named_text   templates[4];
    struct notices      notices;
    char                said[256];     /* the last notice */
};

static void listen(void *arg, const char *sentence)
{
    struct world *w = arg;
    strncpy(w->said, sentence, sizeof w->said - 1);
}

static void world_init(struct world *w, const char *config)
{
    *w = (struct world){ .notices = { listen, w } };
    w->src.tokenizer_config_json = slice_of(config);
    w->src.templates = w->templates;
}

static void add(struct world *w, const char *name, const char *text)
{
    w->templates[w->src.n_templates++] =
        (struct named_text){ slice_of(name), slice_of(text) };
}

static enum err ask(struct world *w, const char *request, struct strbuf *out,
                    struct err_info *why)
{
    struct chat *c;
    struct chat_request r;
    struct json *object;
    enum err e = chat_open(&c, &w->src, NULL, &w->notices, why);
    if (e != ERR_OK)
        return e;
    e = json_parse(&object, &w->arena, slice_of(request), JSON_DEPTH, why);
    if (e == ERR_OK)
        e = chat_request_read(&r, object, why);
    if (e == ERR_OK)
        e = chat_render(c, &r, out, why);
    chat_close(c);
    return e;
}

/* want begins with "!": a refusal that says the rest. */
static void expect(struct world *w, const char *request, const char *want)
{
    struct strbuf out = { 0 };
    struct err_info why = { .text = "" };
    enum err e = ask(w, request, &out, &why);
    bool ok = want[0] == '!'
        ? e != ERR_OK && out.len == 0 && strstr(why.text, want + 1) != NULL
        : e == ERR_OK && slice_is(strbuf_slice(&out), want);
    if (!ok)
        fail_msg("%s\n  want %s\n  got  %.*s%s", request, want, (int)out.len,
                 out.len > 0 ? out.at : "", why.text);
    strbuf_drop(&out);
    arena_drop(&w->arena);
}

#define ONE "{\"messages\": [{\"role\": \"user\", \"content\": \"hi\"}]"

/* Of one name the first counts; names behind a repeated one are there. */
static void test_names_twice(void **state)
{
    struct world w;

    (void)state;
    world_init(&w, "{}");
    add(&w, "default", "first");
    add(&w, "default", "second");
    add(&w, "tool_use", "tools");
    expect(&w, ONE "}", "first");
    expect(&w, ONE ", \"tools\": [{\"type\": \"function\", \"function\": "
               "{\"name\": \"f\"}}]}", "tools");
}

static void test_selection(void **state)
{
    struct world w;
    (void)state;
    world_init(&w, "{}");
    expect(&w, ONE "}", "!no chat template");
    add(&w, "rag", "R");
    expect(&w, ONE "}", "!none is named");
    expect(&w, ONE ", \"chat_template\": \"rag\"}", "R");
    add(&w, "default", "D");
    add(&w, "tool_use", "T");
    add(&w, "default", "second");
    expect(&w, ONE "}", "D");
    expect(&w, ONE ", \"tools\": null}", "D");
    expect(&w, ONE ", \"tools\": []}", "T");
    expect(&w, ONE ", \"tools\": [{}]}", "T");
    expect(&w, ONE ", \"tools\": [], \"chat_template\": \"own\"}", "own");
    expect(&w, ONE ", \"chat_template\": \"{{ x\"}", "!line 1");
}

static void test_broken_template(void **state)
{
    struct world w;
    struct chat *c;
    (void)state;
    world_init(&w, "{}");
    add(&w, "default", "{% nope %}");
    add(&w, "tool_use", "T");
    assert_int_equal(chat_open(&c, &w.src, NULL, &w.notices, NULL), ERR_OK);
    assert_non_null(strstr(w.said, "'default' does not compile"));
    assert_true(chat_has_template(c));
    assert_non_null(strstr(chat_error(c), "unknown tag 'nope'"));
    assert_int_equal(chat_override(c, SLICE("{{"), NULL), ERR_FORMAT);
    assert_non_null(chat_error(c));
    assert_int_equal(chat_override(c, SLICE("ok"), NULL), ERR_OK);
    assert_null(chat_error(c));
    chat_close(c);
    expect(&w, ONE "}", "!does not compile: line 1, column 4");
    expect(&w, ONE ", \"tools\": []}", "T");
}

static void test_tokens(void **state)
{
    static const char show[] =
        "{{ bos_token }}|{{ eos_token }}|{{ unk_token is defined }}|"
        "{{ pad_token is defined }}";
    struct world w;
    (void)state;
    world_init(&w, "{\"bos_token\": \"<s>\", \"eos_token\": {\"content\":"
                   " \"\\u00e9\"}, \"unk_token\": null, \"x\": [1, {}]}");
    add(&w, "default", show);
    expect(&w, ONE "}", "<s>|\xc3\xa9|False|False");
    expect(&w, ONE ", \"chat_template_kwargs\": {\"bos_token\": \"B\"}}",
           "B|\xc3\xa9|False|False");
    w.src.special_tokens_map_json =
        SLICE("{\"bos_token\": \"no\", \"pad_token\": \"<p>\"}");
    expect(&w, ONE "}", "<s>|\xc3\xa9|False|True");
    w.src.tokenizer_config_json = SLICE("{\"bos_token\": ");
    expect(&w, ONE "}", "!tokenizer_config.json: ");
}

static void test_variables(void **state)
{
    struct world w;
    (void)state;
    world_init(&w, "{}");
    add(&w, "default", "{{ [tools, documents, add_generation_prompt, a is"
                       " defined] }}");
    expect(&w, ONE "}", "[None, None, True, False]");
    expect(&w, ONE ", \"add_generation_prompt\": false, \"documents\": [1]}",
           "[None, [1], False, False]");
    expect(&w, ONE ", \"chat_template_kwargs\": {\"a\": 1, \"documents\":"
               " [{\"t\": 2}]}}", "[None, [{'t': 2}], True, True]");
}

static void test_messages(void **state)
{
    static const char call[] =
        "{\"messages\": [{\"role\": \"assistant\", \"content\": null,"
        " \"tool_calls\": [{\"function\": {\"name\": \"f\", \"arguments\":"
        " \"%s\"}}]}]}";
    char request[512];
    struct world w;
    (void)state;
    world_init(&w, "{}");
    add(&w, "default", "{{ messages[0] }}");
    expect(&w, ONE "}", "{'role': 'user', 'content': 'hi'}");
    snprintf(request, sizeof request, call, "{\\\"a\\\": [1, 2.5]}");
    expect(&w, request, "{'role': 'assistant', 'content': None, 'tool_calls':"
                        " [{'function': {'name': 'f', 'arguments':"
                        " {'a': [1, 2.5]}}}]}");
    snprintf(request, sizeof request, call, "{oops");
    expect(&w, request, "{'role': 'assistant', 'content': None, 'tool_calls':"
                        " [{'function': {'name': 'f', 'arguments':"
                        " '{oops'}}]}");
    expect(&w, "{\"messages\": [{\"role\": \"a\", \"reasoning\": \"r\"}]}",
           "{'thinking': 'r', 'role': 'a', 'reasoning': 'r',"
           " 'reasoning_content': 'r'}");
    expect(&w, "{\"messages\": [{\"reasoning_content\": null, \"thinking\":"
               " \"t\", \"x\": 1}]}",
           "{'reasoning_content': 't', 'thinking': 't', 'x': 1}");
}

static void test_refusals(void **state)
{
    struct world w;
    (void)state;
    world_init(&w, "{}");
    add(&w, "default", "D");
    expect(&w, "[]", "!must be an object");
    expect(&w, "{}", "!messages must be an array");
    expect(&w, "{\"messages\": {}}", "!messages must be an array");
    expect(&w, "{\"messages\": [1]}", "!messages[0] is ");
    expect(&w, ONE ", \"model\": \"x\"}", "!unknown member \"model\"");
    expect(&w, ONE ", \"tools\": 5}", "!tools must be an array");
    expect(&w, ONE ", \"documents\": \"x\"}", "!documents must be an array");
    expect(&w, ONE ", \"chat_template\": 1}", "!chat_template must be");
    expect(&w, ONE ", \"chat_template_kwargs\": []}", "!must be an object");
    expect(&w, ONE ", \"chat_template_kwargs\": {\"messages\": 1}}",
           "!must not hold");
    expect(&w, ONE ", \"add_generation_prompt\": 1}", "!true or false");
    expect(&w, "{\"messages\": []}", "D");
}

static void test_continue(void **state)
{
    static const char on[] =
        ONE ", \"continue_final_message\": true, \"chat_template\": \"%s\"}";
    char request[512];
    struct world w;
    (void)state;
    world_init(&w, "{}");
    snprintf(request, sizeof request, on,
             "{% for m in messages %}<{{ m.content }}>{% endfor %}!");
    expect(&w, request, "<hi");
    snprintf(request, sizeof request, on,
             "{% for m in messages %}< {{ m.content|trim }}>{% endfor %}!");
    expect(&w, request, "< hi");
    snprintf(request, sizeof request, on, "nothing");
    expect(&w, request, "!does not appear");
    expect(&w, "{\"messages\": [{\"content\": [{\"text\": \"a\"}, {\"text\":"
               " \"b \"}, {\"type\": \"image\"}]}], \"continue_final_message\":"
               " true, \"chat_template\": \"{% for p in messages[0].content %}"
               "[{{ p.text }}]{% endfor %}\"}", "[a][b ");
    expect(&w, "{\"messages\": [], \"continue_final_message\": true,"
               " \"chat_template\": \"x\"}", "!no text to continue");
    expect(&w, ONE ", \"continue_final_message\": true,"
                   " \"add_generation_prompt\": true}", "!exclude each other");
}

static enum err open_and_render(void *arg)
{
    struct world *w = arg;
    struct strbuf out = { 0 };
    struct err_info why;
    enum err e = ask(w, "{\"messages\": [{\"reasoning\": \"r\", \"tool_calls\":"
                        " [{\"function\": {\"arguments\": \"{}\"}}]}],"
                        " \"chat_template_kwargs\": {\"a\": [1]}}", &out, &why);
    strbuf_drop(&out);
    arena_drop(&w->arena);
    return e;
}

static void test_out_of_memory(void **state)
{
    struct world w;
    (void)state;
    world_init(&w, "{\"bos_token\": {\"content\": \"<s>\"}}");
    add(&w, "default", "{{ bos_token }}{{ messages|tojson }}{{ a }}");
    assert_true(alloc_fail_each(open_and_render, &w) > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_selection),
        cmocka_unit_test(test_names_twice),
        cmocka_unit_test(test_broken_template),
        cmocka_unit_test(test_tokens),
        cmocka_unit_test(test_variables),
        cmocka_unit_test(test_messages),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_continue),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
