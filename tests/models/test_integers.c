/* For every architecture and both kinds of files: every integer of the
 * configuration replaced by 0, 1, -1, 2^31 and the neighbours of what it was.  A
 * model opens and runs, or is refused by the name of a key or of a tensor. */
#include "support/check.h"

#include "golden/trial.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name, *file;         /* file: below tests/golden */
    bool        hf, gguf;            /* which kinds of files are tried */
} models[] = {
    { "plain", "llama/plain", true, false },
    { "qwen2/window", "qwen2/window", true, false },
    { "qwen2/plain", "qwen2/plain", false, true },
    { "qwen3/plain", "qwen3/plain", true, true },
    { "gemma/plain", "gemma/plain", true, true },
    { "gemma2/plain", "gemma2/plain", true, true },
    { "gemma3/plain", "gemma3/plain", true, true },
    { "phi2/plain", "phi2/plain", true, true },
    { "phi3/long", "phi3/long", true, true },
    { "olmo2/plain", "olmo2/plain", true, true },
    { "stablelm/plain", "stablelm/plain", true, true },
    { "mixtral/plain", "mixtral/plain", true, true },
    { "qwen2_moe/sparse", "qwen2_moe/sparse", true, false },
    { "qwen2_moe/plain", "qwen2_moe/plain", false, true },
    { "qwen3_moe/plain", "qwen3_moe/plain", true, true },
    { "deepseek/plain", "deepseek/plain", true, true },
    { "deepseek2/v3", "deepseek2/v3", true, true },
};

enum { KEYS = 64, KEY_SIZE = 64 };

struct integers {
    char   key[KEYS][KEY_SIZE];
    long   value[KEYS];
    size_t n;
    char   whole[16384];             /* the file, with all its keys */
};

/* `format` takes a key, a number and what ends it. */
static void add_integer(struct integers *is, const char *line,
                        const char *format)
{
    char key[KEY_SIZE], end = '\n';
    long value;

    if (sscanf(line, format, key, &value, &end) < 2
        || (end != ',' && end != '\n'))
        return;
    assert_true(is->n < KEYS);
    strcpy(is->key[is->n], key);
    is->value[is->n++] = value;
}

static void read_integers(struct integers *is, const char *file, bool gguf)
{
    char  path[128], line[512];
    FILE *f;

    snprintf(path, sizeof path, "tests/golden/%s.%s", file,
             gguf ? "list" : "json");
    f = fopen(path, "r");
    assert_non_null(f);
    is->n = 0;
    is->whole[0] = '\0';
    while (fgets(line, sizeof line, f) != NULL) {
        assert_true(strlen(is->whole) + strlen(line) < sizeof is->whole);
        strcat(is->whole, line);
        add_integer(is, line, gguf ? "u32 %63s %ld%c"
                                   : " \"%63[^\"]\": %ld%c");
    }
    fclose(f);
    assert_true(is->n >= 5);
}

/* What follows the path is "tensor", or a key of the file. */
static bool names_something(const char *text, const char *whole)
{
    const char *word = strstr(text, ": "), *last;
    char        key[KEY_SIZE];

    if (word == NULL || sscanf(word, ": %63[A-Za-z0-9_.]", key) != 1)
        return false;
    last = strrchr(key, '.') == NULL ? key : strrchr(key, '.') + 1;
    return strcmp(key, "tensor") == 0 || strstr(whole, last) != NULL;
}

static void try_values(const char *name, const struct integers *is, size_t i,
                       bool gguf)
{
    long            was = is->value[i];
    long            value[] = { 0, gguf ? 4294967295 : -1, 2147483648, was + 1,
                                1, was - 1 };
    size_t          n = was > 2 ? 6 : 5;         /* 1 and was - 1 may be there */
    char            text[24];
    struct err_info why;

    for (size_t v = 0; v < n; v++) {
        struct tiny_form form = { .gguf = gguf, .replace_key = is->key[i],
                                  .replace_by = text };
        snprintf(text, sizeof text, "%ld", value[v]);
        if (trial_form(name, &form, &why) != ERR_OK
            && !names_something(why.text, is->whole))
            fail_msg("%s: %s = %s: \"%s\" names neither key nor tensor", name,
                     is->key[i], text, why.text);
    }
}

static void try_all(bool gguf)
{
    struct integers is;

    for (size_t m = 0; m < sizeof models / sizeof models[0]; m++) {
        if (!(gguf ? models[m].gguf : models[m].hf))
            continue;
        read_integers(&is, models[m].file, gguf);
        for (size_t i = 0; i < is.n; i++)
            try_values(models[m].name, &is, i, gguf);
    }
}

static void integers_of_config_json(void **state)
{
    (void)state;
    try_all(false);
}

static void integers_of_gguf(void **state)
{
    (void)state;
    try_all(true);
}

/* The check itself can fail. */
static void silence_is_noticed(void **state)
{
    const char *whole = "{ \"hidden_size\": 64 }";

    (void)state;
    assert_true(names_something("a/config.json: hidden_size is 0", whole));
    assert_true(names_something("a: tensor x has shape [1]", whole));
    assert_false(names_something("a: something is wrong", whole));
    assert_false(names_something("something is wrong", whole));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_of_config_json),
        cmocka_unit_test(integers_of_gguf),
        cmocka_unit_test(silence_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
