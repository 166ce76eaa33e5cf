/* Templates against what the reference gives; budgets; hostile templates. */
#include "support/check.h"

#include "text/template.h"

struct row {
    const char *template, *want;      /* want NULL: an error */
};

static const struct row rows[] = {
    { "a\n  {# c #}\nb", "a\nb" },
    { "x {{ 1 }}\ny\n", "x 1\ny" },
    { "  {% if true %}\nA\n  {% endif %}\nB", "A\nB" },
    { "{% if true %}\n\nA{% endif %}", "\nA" },
    { "{{ 'x' -}}\n\n y", "xy" },
    { "{{ [1,'a',none,true,1.5,{'k':'v'},\"it's\"] }}",
      "[1, 'a', None, True, 1.5, {'k': 'v'}, \"it's\"]" },
    { "{{ {'b':1,'a':[1.0,none,true]}|tojson }}",
      "{\"b\": 1, \"a\": [1.0, null, true]}" },
    { "[{{ nope }}]", "[]" },
    { "{{ nope.x }}", NULL },
    { "{{ 'a' ~ 1 + 2 }}", NULL },
    { "{% set ns=namespace(a=1) %}{% for i in [1,2] %}{% set ns.a=ns.a+i %}"
      "{% set b=i %}{% endfor %}{{ ns.a }}[{{ b }}]", "4[]" },
};

static enum err render(struct strbuf *out, struct slice source,
                       struct err_info *why)
{
    struct template *t;
    enum err e = template_compile(&t, source, why);
    if (e == ERR_OK)
        e = template_render(t, NULL, 0, out, why);
    template_close(t);
    return e;
}

static bool agrees(const struct row *row)
{
    struct strbuf out = { 0 };
    struct err_info why;
    enum err e = render(&out, slice_of(row->template), &why);
    bool same = row->want == NULL ? e != ERR_OK
              : e == ERR_OK && slice_is(strbuf_slice(&out), row->want);
    strbuf_drop(&out);
    return same;
}

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (!agrees(&rows[i]))
            fail_msg("%s", rows[i].template);
    assert_false(agrees(&(struct row){ "{{ 1 }}", "2" }));
    assert_false(agrees(&(struct row){ "{{ 1 }}", NULL }));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
