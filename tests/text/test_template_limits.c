/* Hostile templates: each ends soon, within its memory, with a text or with an
 * error that says what is wrong. */
#include "support/check.h"

#include "base/limits.h"
#include "support/effort.h"
#include "text/template.h"

/* head, `times` x middle, tail. */
struct hostile {
    const char *head, *middle;
    size_t      times;
    const char *tail;
    enum err    want;
};

#define DOUBLING "{% set ns.s = ns.s + ns.s %}"
static const struct hostile rows[] = {
    /* too much memory or output */
    { "{{ 'x' * 1000000000 }}", "", 0, "", ERR_LIMIT },
    { "{{ [1] * 1000000000 }}", "", 0, "", ERR_LIMIT },
    { "{{ ('a', 1) * 9223372036854775807 }}", "", 0, "", ERR_LIMIT },
    { "{% set ns = namespace(s='x') %}", DOUBLING, 60, "", ERR_LIMIT },
    { "{% set ns = namespace(s=[1]) %}", DOUBLING, 60, "", ERR_LIMIT },
    { "{% set s = 'a' * 3000000 %}{{ s.replace('', s) }}", "", 0, "",
      ERR_LIMIT },
    { "{{ ('x' * 1000)|join('y' * 100000) }}", "", 0, "", ERR_LIMIT },
    { "{{ ('{0}' * 100000).format('b' * 1000) }}", "", 0, "", ERR_LIMIT },
    { "{{ 'x'|center(1000000000) }}", "", 0, "", ERR_LIMIT },
    { "{{ 'x'.zfill(1000000000) }}", "", 0, "", ERR_LIMIT },
    { "{{ 'a\\nb'|indent(1000000000) }}", "", 0, "", ERR_LIMIT },
    { "{{ [1]|tojson(indent=1000000000) }}", "", 0, "", ERR_LIMIT },
    { "{{ '\\t'.expandtabs(1000000000) }}", "", 0, "", ERR_LIMIT },
    { "{{ [1]|batch(1000000000, 0)|list }}", "", 0, "", ERR_LIMIT },
    { "{{ [1]|slice(1000000000)|list }}", "", 0, "", ERR_LIMIT },
    { "{{ '%1000000000d' % 1 }}", "", 0, "", ERR_LIMIT },
    { "{{ '%.1000000000f' % 1 }}", "", 0, "", ERR_LIMIT },
    { "{{ '{:1000000000}'.format(1) }}", "", 0, "", ERR_LIMIT },
    { "{% for i in range(100000) %}{{ 'x' * 1000 }}{% endfor %}", "", 0, "",
      ERR_LIMIT },
    /* too long */
    { "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}"
      "{% endfor %}", "", 0, "", ERR_LIMIT },
    { "", "{% for i in range(2) %}", 60, "x", ERR_FORMAT },
    { "{% set l = range(100000)|list %}{% for i in l %}{{ -1 in l }}"
      "{% endfor %}", "", 0, "", ERR_LIMIT },
    { "{% set s = 'ab' * 100000 %}{% for i in range(100000) %}"
      "{{ s|replace('a', 'b')|length }}{% endfor %}", "", 0, "", ERR_LIMIT },
    { "{% set s = 'a' * 1000000 %}{% for i in range(100000) %}"
      "{% set x = s.find('b') %}{% endfor %}", "", 0, "", ERR_LIMIT },
    { "{% set s = 'a' * 1000000 %}{{ s.rfind('a' * 500000 ~ 'b') }}", "", 0,
      "", ERR_LIMIT },
    { "{% set ns = namespace(s=[1]) %}", "{% set ns.s = [ns.s, ns.s] %}", 60,
      "{{ ns.s }}", ERR_LIMIT },
    { "{% set ns = namespace(s=[1], t=[1]) %}",
      "{% set ns.s = [ns.s, ns.s] %}{% set ns.t = [ns.t, ns.t] %}", 60,
      "{{ ns.s == ns.t }}", ERR_LIMIT },
    { "{% set ns = namespace(s=(1, 2)) %}", "{% set ns.s = (ns.s, ns.s) %}", 60,
      "{{ {ns.s: 1} }}", ERR_LIMIT },
    { "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}"
      "{% endmacro %}{{ m(60) }}", "", 0, "", ERR_LIMIT },
    /* too deep */
    { "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "", 0, "", ERR_LIMIT },
    { "{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}{{ a() }}"
      "{% endmacro %}{{ a() }}", "", 0, "", ERR_LIMIT },
    { "{% macro m() %}{% call m() %}{{ caller() }}{% endcall %}{% endmacro %}"
      "{{ m() }}", "", 0, "", ERR_LIMIT },
    { "{% for i in [1] recursive %}{{ loop([1]) }}{% endfor %}", "", 0, "",
      ERR_LIMIT },
    { "{% set ns = namespace(s=[]) %}{% for i in range(90000) %}"
      "{% set ns.s = [ns.s] %}{% endfor %}{{ ns.s }}", "", 0, "", ERR_LIMIT },
    { "{% set ns = namespace(s=[]) %}{% for i in range(90000) %}"
      "{% set ns.s = [ns.s] %}{% endfor %}{{ ns.s|tojson }}", "", 0, "",
      ERR_LIMIT },
    { "{% set ns = namespace() %}{% set ns.a = [ns] %}{{ ns }}", "", 0, "",
      ERR_LIMIT },
    { "{{ ", "(", 5000, "", ERR_LIMIT },
    { "{{ ", "[", 100000, "", ERR_LIMIT },
    { "{{ ", "-", 100000, "1 }}", ERR_LIMIT },
    { "{{ ", "not ", 100000, "1 }}", ERR_LIMIT },
    { "{{ 1", " if 1 else 1", 10000, " }}", ERR_LIMIT },
    { "{{ a", ".b", 100000, " }}", ERR_LIMIT },
    { "{{ a", "[0]", 100000, " }}", ERR_LIMIT },
    { "{{ a", "()", 100000, " }}", ERR_LIMIT },
    { "{{ a", "|e", 100000, " }}", ERR_LIMIT },
    { "{{ 1", "+1", 100000, " }}", ERR_LIMIT },
    { "{{ 1", "+1", 900, " }}", ERR_OK },
    { "", "{% if 1 %}", 10000, "", ERR_LIMIT },
    { "", "{% for i in [1] %}", 1000, "", ERR_LIMIT },
    { "", "{% macro m() %}", 1000, "", ERR_LIMIT },
    { "", "{% set x %}", 1000, "", ERR_LIMIT },
    /* long, but lawful */
    { "{{ 1", "~1", 20000, " }}", ERR_OK },
    { "{{ [", "1,", 20000, "] }}", ERR_OK },
    { "{% if a %}", "{% elif b %}", 20000, "{% endif %}", ERR_OK },
    { "", "{% if x %}{% set a = 1 %}{% endif %}", 10000, "", ERR_OK },
    { "", "\n", 900000, "x", ERR_OK },
    { "{{ a -}}", " ", 900000, "b", ERR_OK },
    { "", "x", 1048577, "", ERR_LIMIT },
    { "{{ f(", "a,", 20000, ") }}", ERR_REQUEST },
    { "{% macro m() %}{{ varargs|length }}{% endmacro %}{{ m(*range(99999)) }}",
      "", 0, "", ERR_OK },
    /* not closed */
    { "", "{% raw %}", 1000, "", ERR_FORMAT },
    { "", "{#", 100000, "", ERR_FORMAT },
    { "{{ '", "x", 100000, "", ERR_FORMAT },
    { "{%", " ", 100000, "", ERR_FORMAT },
    { "{% if 1 %}{% for x in y %}", "", 0, "", ERR_FORMAT },
    /* bad bytes */
    { "{{ '\xc3\x28' }}", "", 0, "", ERR_FORMAT },
    { "a\xf0\x9f\x98", "", 0, "", ERR_FORMAT },
    { "{{ \x01 }}", "", 0, "", ERR_FORMAT },
    /* numbers at their ends */
    { "{{ 99999999999999999999 }}", "", 0, "", ERR_FORMAT },
    { "{{ 9223372036854775807 + 1 }}", "", 0, "", ERR_REQUEST },
    { "{{ 2 ** 1000000000 }}", "", 0, "", ERR_REQUEST },
    { "{{ (-9223372036854775807 - 1) // -1 }}", "", 0, "", ERR_REQUEST },
    { "{{ (-9223372036854775807 - 1) % -1 }}", "", 0, "", ERR_OK },
    { "{{ (-9223372036854775807 - 1)|abs }}", "", 0, "", ERR_REQUEST },
    { "{{ range(-9223372036854775807, 9223372036854775807) }}", "", 0, "",
      ERR_REQUEST },
    { "{{ 'abc'[::-9223372036854775807] }}", "", 0, "", ERR_OK },
    /* out of the sandbox */
    { "{{ ''.__class__.__mro__ }}", "", 0, "", ERR_REQUEST },
    { "{{ [].append(1) }}", "", 0, "", ERR_REQUEST },
    { "{{ range.__globals__.x }}", "", 0, "", ERR_REQUEST },
    { "{{ '{0.__class__.x}'.format(1) }}", "", 0, "", ERR_REQUEST },
    { "{% include '/etc/passwd' %}", "", 0, "", ERR_REQUEST },
};

static struct slice build(struct strbuf *b, const struct hostile *h)
{
    strbuf_puts(b, h->head);
    for (size_t i = 0; i < h->times; i++)
        strbuf_puts(b, h->middle);
    strbuf_puts(b, h->tail);
    assert_false(b->failed);
    return strbuf_slice(b);
}

static enum err run(struct slice source, struct err_info *why)
{
    struct template *t;
    struct strbuf out = { 0 };
    enum err e = template_compile(&t, source, why);
    if (e == ERR_OK)
        e = template_render(t, NULL, 0, &out, why);
    assert_true(out.len <= LIMIT_TEMPLATE_OUTPUT);
    template_close(t);
    strbuf_drop(&out);
    return e;
}

static void test_hostile(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct strbuf b = { 0 };
        struct err_info why = { .text = "" };
        struct slice source = build(&b, &rows[i]);
        double start = effort_ms();
        enum err e = run(source, &why);
        assert_true(effort_ms() - start < effort_allowed(3000));
        if (e != rows[i].want)
            fail_msg("%s%s...: %d %s", rows[i].head, rows[i].middle, (int)e,
                     why.text);
        strbuf_drop(&b);
    }
}

/* NULs are characters like others. */
static void test_nul(void **state)
{
    struct template *t;
    struct strbuf out = { 0 };
    (void)state;
    struct slice source = SLICE("a\0{{ 'x\0y'|replace('\0', '-') }}");
    assert_int_equal(template_compile(&t, source, NULL), ERR_OK);
    assert_int_equal(template_render(t, NULL, 0, &out, NULL), ERR_OK);
    assert_true(slice_eq(strbuf_slice(&out), SLICE("a\0x-y")));
    template_close(t);
    strbuf_drop(&out);
    assert_int_equal(run(SLICE("{{ \0 }}"), NULL), ERR_FORMAT);
}

/* What stood in the buffer before stays, whether the run succeeds or not. */
static void test_appends(void **state)
{
    struct template *good, *bad;
    struct strbuf out = { 0 };
    (void)state;
    assert_int_equal(template_compile(&good, SLICE("b"), NULL), ERR_OK);
    assert_int_equal(template_compile(&bad, SLICE("c{{ x.y }}"), NULL), ERR_OK);
    strbuf_puts(&out, "a");
    assert_int_equal(template_render(good, NULL, 0, &out, NULL), ERR_OK);
    assert_int_equal(template_render(bad, NULL, 0, &out, NULL), ERR_REQUEST);
    assert_true(slice_is(strbuf_slice(&out), "ab"));
    template_close(good);
    template_close(bad);
    strbuf_drop(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_nul),
        cmocka_unit_test(test_appends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
