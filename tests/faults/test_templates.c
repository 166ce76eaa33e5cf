/* Hostile templates, each in a process of its own: deep, long, endless, huge.
 * tests/text/test_template_limits.c says what single ones must answer; here all
 * combinations must answer something, soon and in little memory. */
#include "support/check.h"

#include "faults/apart.h"

#include "base/json.h"
#include "text/template.h"
#include <stdio.h>
#include <string.h>

static const char context[] =
    "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"s\":\"abc\","
    "\"l\":[3,1,2],\"d\":{\"k\":1},\"n\":7}";

/* head, many times middle, tail. */
static const struct shape {
    const char *head, *middle, *tail;
} deep[] = {
    { "{{ ", "(", "" }, { "{{ ", "(1,", "" }, { "{{ ", "[", "" },
    { "{{ ", "{1:", "" }, { "{{ ", "-", "1 }}" }, { "{{ ", "not ", "1 }}" },
    { "{{ 1", " if 1 else 1", " }}" }, { "{{ s", ".b", " }}" },
    { "{{ s", "[0]", " }}" }, { "{{ s", "()", " }}" }, { "{{ s", "|e", " }}" },
    { "{{ 1", "+1", " }}" }, { "{{ 1", "~1", " }}" }, { "{{ 1", "**1", " }}" },
    { "{{ 1", " and 1", " }}" }, { "{{ 1", " or 0", " }}" },
    { "{{ 1", "<2", " }}" }, { "{{ 1", " in l", " }}" },
    { "{{ 1", " is number", " }}" }, { "{{ [", "1,", "] }}" },
    { "{{ {", "1:1,", "} }}" }, { "{{ f(", "a,", ") }}" },
    { "{{ f(", "*l,", ") }}" }, { "{{ f(", "a=1,", ") }}" },
    { "{{ '", "\\\\x41", "' }}" }, { "{{ '", "\\\\u0041", "' }}" },
    { "{{ '", "\\\\", "" }, { "{{ 'a'", " 'b'", " }}" }, { "{{ 1", "1", " }}" },
    { "{{ 1.", "1", "e9 }}" }, { "{{ s", "[:", "" }, { "", "{% if 1 %}", "" },
    { "{% if 0 %}", "{% elif 0 %}", "{% endif %}" },
    { "", "{% for i in [1] %}", "" }, { "", "{% macro m() %}", "" },
    { "", "{% set x %}", "" }, { "", "{% filter e %}", "" },
    { "", "{% call f() %}", "" }, { "", "{% raw %}", "" }, { "", "{#", "" },
    { "", "{%", "" }, { "", "{{", "" }, { "", "}}", "" }, { "", "{#-#}", "" },
    { "{{ '", "x", "" }, { "", "{%- -%}", "" }, { "", "\n", "{{ n }}" },
    { "", "{% set a = 1 %}", "" }, { "", "{% if 1 %}a{% endif %}", "" },
    { "{% for ", "a, ", "b in l %}{% endfor %}" },
    { "{% macro m(", "a=1,", ") %}{% endmacro %}" },
};
static const size_t times[] = { 30, 3000, 60000, 1000000 };

/* Things that grow or never end, with a number in the place of N. */
static const char *const bombs[] = {
    "{{ 'x' * N }}", "{{ [1] * N }}", "{{ (1, 2) * N }}",
    "{{ 'x'|center(N) }}", "{{ 'x'.zfill(N) }}", "{{ 'x'.ljust(N) }}",
    "{{ 'a\\nb'|indent(N) }}", "{{ l|tojson(indent=N) }}",
    "{{ '\\t'.expandtabs(N) }}", "{{ l|batch(N, 0)|list }}",
    "{{ l|slice(N)|list }}", "{{ '%Nd' % 1 }}", "{{ '%.Nf' % 1 }}",
    "{{ '{:N}'.format(1) }}", "{{ '{:.Nf}'.format(1.5) }}",
    "{{ range(N)|list|length }}", "{{ range(N)|sum }}",
    "{{ range(N)|join('xxxxxxxxxxxxxxxx')|length }}",
    "{% for i in range(N) %}{% for j in range(N) %}{% endfor %}{% endfor %}",
    "{% for i in range(N) %}{{ 'xxxxxxxxxxxxxxxxxxxxxxxx' }}{% endfor %}",
    "{% set ns = namespace(s='x') %}{% for i in range(N) %}"
    "{% set ns.s = ns.s + ns.s %}{% endfor %}",
    "{% set ns = namespace(s=[1]) %}{% for i in range(N) %}"
    "{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ ns.s }}",
    "{% macro m(n) %}{{ m(n + 1) }}{{ m(n) }}{% endmacro %}{{ m(N) }}",
    "{% for i in l recursive %}{{ loop(range(N)) }}{% endfor %}",
    "{{ 'ab'|replace('', 'c' * N) }}", "{{ ('a' * N)|replace('a', 'bb') }}",
    "{{ s.split('')[N] }}", "{{ s[N::-N] }}", "{{ l[N:N] }}", "{{ 2 ** N }}",
    "{{ N ** N }}", "{{ n // (N - N) }}", "{{ (n % N) / 0 }}",
    "{{ ('a' * 9999)|wordwrap(N) }}", "{{ strftime_now('%c' * N) }}",
    "{{ ('<' * N)|escape|length }}", "{{ range(0, N, 0) }}",
    "{{ range(N)|sort|first }}", "{{ range(N)|list|unique|list|length }}",
    "{{ dict.fromkeys(range(N))|length }}", "{{ (s ~ '%s' * N) % l }}",
};
static const char *const numbers[] = { "0", "1000", "90000", "1000000000",
                                       "9223372036854775807", "-1" };

static enum err render(void *arg, struct err_info *why)
{
    const struct strbuf *text = arg;
    struct template_var  all[8];
    struct arena         a = { 0 };
    struct strbuf        out = { 0 };
    struct template     *t;
    struct json         *vars;
    size_t               n = 0;

    if (json_parse(&vars, &a, slice_of(context), 8, NULL) != ERR_OK)
        return ERR_OK;
    for (struct json *v = vars->first; v != NULL; v = v->next) {
        v->key = arena_copy(&a, v->key);
        all[n++] = (struct template_var){ v->key.at, v };
    }
    enum err e = template_compile(&t, strbuf_slice(text), why);
    if (e == ERR_OK)
        e = template_render(t, all, n, &out, why);
    template_close(t);
    strbuf_drop(&out);
    arena_drop(&a);
    return e;
}

static void try_text(struct tally_apart *t, const struct strbuf *text)
{
    struct apart a = apart(render, (void *)(uintptr_t)text);

    if (!tally_add(t, &a, text->len))
        fail_msg("%.60s...: %s", text->at, a.why);
}

static void deep_and_long(void **state)
{
    struct tally_apart t;

    (void)state;
    tally_start(&t);
    for (size_t i = 0; i < sizeof deep / sizeof deep[0]; i++)
        for (size_t k = 0; k < sizeof times / sizeof times[0]; k++) {
            struct strbuf text = { 0 };
            strbuf_puts(&text, deep[i].head);
            for (size_t n = 0; n < times[k] && text.len < 1 << 20; n++)
                strbuf_puts(&text, deep[i].middle);
            strbuf_puts(&text, deep[i].tail);
            try_text(&t, &text);
            strbuf_drop(&text);
        }
    print_message("%zu templates: %zu refused, in at most %u ms\n", t.n,
                  t.refused, t.most_ms);
    assert_true(t.n > 200 && t.refused > 80);
}

static void endless_and_huge(void **state)
{
    struct tally_apart t;

    (void)state;
    tally_start(&t);
    for (size_t i = 0; i < sizeof bombs / sizeof bombs[0]; i++)
        for (size_t k = 0; k < sizeof numbers / sizeof numbers[0]; k++) {
            struct strbuf text = { 0 };
            for (const char *c = bombs[i]; *c; c++)
                if (*c == 'N')
                    strbuf_puts(&text, numbers[k]);
                else
                    strbuf_putc(&text, *c);
            assert_non_null(strbuf_cstr(&text));
            try_text(&t, &text);
            strbuf_drop(&text);
        }
    print_message("%zu templates: %zu refused, in at most %u ms\n", t.n,
                  t.refused, t.most_ms);
    assert_true(t.n > 200 && t.refused > 80);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(deep_and_long),
        cmocka_unit_test(endless_and_huge),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
