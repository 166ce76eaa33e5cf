/* Templates against what the reference renders (tools/golden/templates.py makes
 * the data), and against the edges of their input. */
#include "support/alloc_fail.h"
#include "support/check.h"
#include "support/edge.h"

#include "base/file.h"
#include "text/template.h"

#define DATA "tests/text/data/templates.jsonl"
enum { MAX_VARS = 64 };

struct data {
    struct file         file;
    struct arena        arena;
    struct slice        left;               /* lines not read yet */
    struct template_var vars[MAX_VARS];
    size_t              n_vars;
};

static const struct json *next_line(struct data *d)
{
    struct json *line;
    size_t end = slice_find(d->left, SLICE("\n"), 0);
    assert_int_equal(json_parse(&line, &d->arena,
                                (struct slice){ d->left.at, end }, JSON_DEPTH,
                                NULL), ERR_OK);
    d->left = slice_from(d->left, end < d->left.len ? end + 1 : end);
    return line;
}

static void data_open(struct data *d)
{
    *d = (struct data){ .n_vars = 0 };
    assert_int_equal(file_open(&d->file, DATA, NULL), ERR_OK);
    d->left = file_slice(&d->file);
    for (const struct json *v = next_line(d)->first; v != NULL; v = v->next) {
        assert_true(d->n_vars < MAX_VARS);
        d->vars[d->n_vars++] = (struct template_var){
            arena_copy(&d->arena, v->key).at, v
        };
    }
}

static void data_close(struct data *d)
{
    arena_drop(&d->arena);
    file_close(&d->file);
}

static enum err render(struct strbuf *out, struct slice source,
                       const struct data *d, struct err_info *why)
{
    struct template *t;
    enum err e = template_compile(&t, source, why);
    if (e == ERR_OK)
        e = template_render(t, d->vars, d->n_vars, out, why);
    template_close(t);
    return e;
}

/* A row is [template, text], null instead of a text for a refusal. */
static bool agrees(const struct data *d, const struct json *row)
{
    const struct json *want = json_at(row, 1);
    struct strbuf out = { 0 };
    struct err_info why = { 0 };
    enum err e = render(&out, json_at(row, 0)->string, d, &why);
    bool same = want->kind == JSON_NULL ? e != ERR_OK && why.text[0] != '\0'
              : e == ERR_OK && slice_eq(strbuf_slice(&out), want->string);
    if (e != ERR_OK)
        same = same && out.len == 0 && strchr(why.text, '\n') == NULL;
    strbuf_drop(&out);
    return same;
}

static void test_reference(void **state)
{
    struct data d;
    size_t n = 0, wrong = 0;
    (void)state;
    for (data_open(&d); d.left.len > 0; n++) {
        const struct json *row = next_line(&d);
        if (agrees(&d, row))
            continue;
        struct slice t = json_at(row, 0)->string;
        print_error("line %zu: %.*s\n", n + 2, (int)t.len, t.at);
        wrong++;
    }
    data_close(&d);
    assert_true(n > 1400);
    assert_int_equal(wrong, 0);
}

/* The comparison sees a wrong text, a missing refusal and a false one. */
static void test_comparison_can_fail(void **state)
{
    static const char *const rows[] = {
        "[\"{{ 1 }}\", \"2\"]", "[\"{{ 1 }}\", null]", "[\"{{ 1\", \"1\"]"
    };
    struct data d;
    (void)state;
    data_open(&d);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct json *row;
        assert_int_equal(json_parse(&row, &d.arena, slice_of(rows[i]), 8, NULL),
                         ERR_OK);
        assert_false(agrees(&d, row));
    }
    data_close(&d);
}

static void test_errors_point(void **state)
{
    static const struct { const char *source, *where; } rows[] = {
        { "a\nb {{ 1 + }}", "line 2, column 10: " },
        { "{{ nope.x }}", "line 1, column 8: 'nope' is undefined" },
        { "\n\n  {{ 'a' + 1 }}", "line 3, column 6: unsupported operand" },
        { "{% if 1 %}", "line 1, column 11: unexpected end of template" },
        { "x{% nope %}", "line 1, column 5: Encountered unknown tag 'nope'" },
        { "\r\n{{ 'abc }}", "line 2, column 4: unexpected char" },
        { "{{ raise_exception('no ' ~ 5) }}", "no 5" },
        { "{{ 1|frob }}", "No filter named 'frob'." },
        { "\xff", "byte 0 of the template is no UTF-8" },
    };
    struct data d = { .n_vars = 0 };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct strbuf out = { 0 };
        struct err_info why = { 0 };
        assert_int_not_equal(render(&out, slice_of(rows[i].source), &d, &why),
                             ERR_OK);
        if (strstr(why.text, rows[i].where) == NULL)
            fail_msg("%s: %s", rows[i].source, why.text);
        strbuf_drop(&out);
    }
}

/* Every prefix of real templates, its last byte before an unreadable page. */
static void test_cut_short(void **state)
{
    struct data d;
    struct edge edge;
    size_t n = 0;
    (void)state;
    data_open(&d);
    edge_open(&edge, 4096);
    while (d.left.len > 0 && n < 300) {
        struct slice whole = json_at(next_line(&d), 0)->string;
        for (size_t len = 0; len <= whole.len && whole.len <= 4096; len++) {
            struct template *t;
            struct slice cut = edge_put(&edge, (struct slice){ whole.at, len });
            template_compile(&t, cut, NULL);
            template_close(t);
        }
        n++;
    }
    edge_close(&edge);
    data_close(&d);
}

static const char everything[] =
    "{% set ns = namespace(a=[1]) %}{% macro m(a, b='x') %}{{ a|upper ~ b }}"
    "{{ caller() }}{{ varargs }}{% endmacro %}{% call(q) m('y', 'z', 3) %}c"
    "{% endcall %}{% for k, v in {'b': 1, 'a': {'c': none}}|dictsort if k %}"
    "{{ loop.nextitem }}{{ k }}{{ v|tojson(indent=1) }}{% endfor %}"
    "{% set x | trim %} {{ '%5.2f|%s' % (1.5, [1]) }} {% endset %}{{ x }}"
    "{{ '{:>5}{}'.format('a', 2) }}{{ 'a,b'.split(',')|map('upper')|join('-') }}"
    "{{ [3, 1]|sort }}{{ 'ab'[::-1] }}{{ ns }}{{ 'x' * 3 + 'y' }}"
    "{{ strftime_now('%Y')|length }}{{ [1, 1.0]|unique|list }}"
    "{% filter upper %}q{% endfilter %}{{ {'a': 1}|items|list }}"
    "{% for i in [[1]] recursive %}{{ loop(i) if i is iterable else i }}"
    "{% endfor %}{{ 'é'|tojson(ensure_ascii=true) }}{{ (1, 2)|batch(1)|list }}";

static enum err render_everything(void *arg)
{
    struct strbuf out = { 0 };
    enum err e = render(&out, slice_of(everything), arg, NULL);
    strbuf_drop(&out);
    return e;
}

static void test_out_of_memory(void **state)
{
    struct data d = { .n_vars = 0 };
    (void)state;
    assert_true(alloc_fail_each(render_everything, &d) > 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reference),
        cmocka_unit_test(test_comparison_can_fail),
        cmocka_unit_test(test_errors_point),
        cmocka_unit_test(test_cut_short),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
