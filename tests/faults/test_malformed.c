/* Thousands of malformed files, each opened in a process of its own as `run`
 * does: none may crash or hang, and a refusal is quick, small and says why.
 *
 *     test_malformed [CASES]       the long run: tools/run_faults.sh */
#include "support/check.h"

#include "faults/apart.h"
#include "faults/mutate.h"

#include "engine/engine.h"
#include "engine/session.h"
#include "golden/tiny.h"
#include "support/effort.h"
#include "support/scratch.h"
#include "support/tiny_model.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FEW = 700 };
static uint64_t n_cases = FEW;

/* ---- what is broken ---- */

static const char tokenizer_json[] =
    "{\"version\":\"1.0\",\"truncation\":null,\"padding\":null,"
    "\"added_tokens\":[{\"id\":8,\"content\":\"<s>\",\"single_word\":false,"
    "\"lstrip\":false,\"rstrip\":true,\"normalized\":false,\"special\":true}],"
    "\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"NFC\"},"
    "{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},\"content\":\"_\"}]},"
    "\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":"
    "\"Split\",\"pattern\":{\"Regex\":\"[a-z]+|[^a-z]\"},\"behavior\":"
    "\"Isolated\",\"invert\":false},{\"type\":\"ByteLevel\","
    "\"add_prefix_space\":false,\"trim_offsets\":true,\"use_regex\":false}]},"
    "\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{"
    "\"SpecialToken\":{\"id\":\"<s>\",\"type_id\":0}},{\"Sequence\":{\"id\":"
    "\"A\",\"type_id\":0}}],\"pair\":[],\"special_tokens\":{\"<s>\":{\"id\":"
    "\"<s>\",\"ids\":[8],\"tokens\":[\"<s>\"]}}},\"decoder\":{\"type\":"
    "\"ByteLevel\",\"add_prefix_space\":true,\"trim_offsets\":true,"
    "\"use_regex\":true},\"model\":{\"type\":\"BPE\",\"dropout\":null,"
    "\"unk_token\":null,\"continuing_subword_prefix\":null,"
    "\"end_of_word_suffix\":null,\"fuse_unk\":false,\"byte_fallback\":false,"
    "\"ignore_merges\":false,\"vocab\":{\"h\":0,\"e\":1,\"l\":2,\"o\":3,"
    "\"_\":4,\"he\":5,\"ll\":6,\"hell\":7},\"merges\":[[\"h\",\"e\"],"
    "[\"l\",\"l\"],[\"he\",\"ll\"]]}}";
static const char tokenizer_config[] =
    "{\"bos_token\":\"<s>\",\"add_bos_token\":true,\"chat_template\":"
    "\"{% for m in messages %}{{ m.role ~ m['content'] | trim }}{% endfor %}\","
    "\"added_tokens_decoder\":{\"8\":{\"content\":\"<s>\",\"special\":true}}}";
static const char generation_config[] =
    "{\"bos_token_id\":8,\"eos_token_id\":[3,8],\"temperature\":0.6,"
    "\"top_p\":0.9,\"top_k\":50,\"do_sample\":true}";
static const char template[] =
    "{%- set ns = namespace(n=0) %}{% for m in messages if m.role %}"
    "{% if loop.first and m['content'] is string %}<{{ m.role|upper }}>"
    "{%- endif %}{{ m.content[:5].strip() + ' ' }}{% endfor -%}"
    "{% macro a(b, c=1) %}{{ b ~ c|tojson(indent=2) }}{% endmacro %}{{ a(3) }}";

/* One file of the model, and where its bytes are changed. */
struct victim {
    const char    *name;
    struct strbuf  bytes;
    struct mutable m;
};

enum { GGUF, CONFIG, TOKENIZER, TOKENIZER_CONFIG, GENERATION, WEIGHTS, INDEX,
       TEMPLATE, N_VICTIMS };

struct world {
    struct scratch gguf, hf;
    struct victim  victim[N_VICTIMS];
};

static void read_file(struct strbuf *out, const char *path)
{
    char   part[4096];
    size_t n;
    FILE  *f = fopen(path, "rb");

    assert_non_null(f);
    while ((n = fread(part, 1, sizeof part, f)) > 0)
        strbuf_put(out, (struct slice){ part, n });
    fclose(f);
}

static void add(struct world *w, int i, const char *name, bool text,
                size_t head)
{
    struct victim *v = &w->victim[i];

    v->name = name;
    v->m = (struct mutable){ strbuf_slice(&v->bytes), head, text };
}

/* An index for the one file of weights; what it does not name is found, too. */
static void put_index(struct strbuf *out)
{
    static const char *const names[] = {
        "model.embed_tokens.weight", "model.norm.weight", "lm_head.weight",
        "model.layers.0.self_attn.q_proj.weight",
    };
    strbuf_puts(out, "{\"metadata\":{\"total_size\":42},\"weight_map\":{");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        strbuf_printf(out, "%s\"%s\":\"model.safetensors\"",
                      i == 0 ? "" : ",", names[i]);
    strbuf_puts(out, "}}");
}

static void world_open(struct world *w)
{
    static const struct {
        int         at;
        const char *name, *text;
    } texts[] = {
        { TOKENIZER, "tokenizer.json", tokenizer_json },
        { TOKENIZER_CONFIG, "tokenizer_config.json", tokenizer_config },
        { GENERATION, "generation_config.json", generation_config },
        { TEMPLATE, "chat_template.jinja", template },
    };
    struct tiny      t;
    struct tiny_form form = { .gguf = false };
    struct make      gguf = { 0 };
    char             path[160];

    memset(w, 0, sizeof *w);
    scratch_open(&w->gguf);
    scratch_open(&w->hf);
    tiny_make(&gguf, &(struct tiny_options){ .seed = 1 });
    w->victim[GGUF].bytes = gguf.b;
    add(w, GGUF, "x.gguf", false, 16000);

    tiny_read(&t, "plain");
    struct tiny_path p = tiny_write(&t, &form);
    snprintf(path, sizeof path, "%s/config.json", p.dir);
    read_file(&w->victim[CONFIG].bytes, path);
    snprintf(path, sizeof path, "%s/model.safetensors", p.dir);
    read_file(&w->victim[WEIGHTS].bytes, path);
    tiny_remove(&p);
    add(w, CONFIG, "config.json", true, SIZE_MAX);
    add(w, WEIGHTS, "model.safetensors", false, 3000);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        strbuf_puts(&w->victim[texts[i].at].bytes, texts[i].text);
        add(w, texts[i].at, texts[i].name, true, SIZE_MAX);
    }
    put_index(&w->victim[INDEX].bytes);
    add(w, INDEX, "model.safetensors.index.json", true, SIZE_MAX);
}

static void world_close(struct world *w)
{
    for (int i = 0; i < N_VICTIMS; i++)
        strbuf_drop(&w->victim[i].bytes);
    scratch_close(&w->gguf);
    scratch_close(&w->hf);
}

/* Write the model with one file replaced; the path to open, its bytes. */
static const char *write_model(struct world *w, int broken,
                               struct slice instead, uint64_t *size)
{
    if (broken == GGUF) {
        *size = instead.len;
        return scratch_put(&w->gguf, "x.gguf", instead);
    }
    *size = 0;
    for (int i = CONFIG; i < N_VICTIMS; i++) {
        const struct victim *v = &w->victim[i];
        struct slice bytes = i == broken ? instead : strbuf_slice(&v->bytes);
        bool wanted = i == broken || (i != INDEX && i != TEMPLATE);
        if (wanted)
            scratch_put(&w->hf, v->name, bytes);
        else if (access(scratch_path(&w->hf, v->name), F_OK) == 0)
            scratch_remove(&w->hf, v->name);
        *size += wanted ? bytes.len : 0;
    }
    return w->hf.dir;
}

/* ---- what is done with it ---- */

/* Prompt, template and two tokens, as far as the model lets us. */
static void use(struct engine *e)
{
    const int32_t   token[2] = { 1, 2 };
    struct tok_ids  ids = { 0 };
    struct session *s;
    struct session_run run = { .tokens = token, .n = 2, .rows_from = 1 };

    engine_encode_raw(e, SLICE("hello <s> \xC3\xA9"), &ids, NULL);
    tok_ids_drop(&ids);
    if (session_open(&s, e, 2, NULL) != ERR_OK)
        return;
    session_run(s, &run, NULL);
    session_close(s);
}

static enum err try_model(void *path, struct err_info *why)
{
    struct engine_options o = engine_defaults(path);
    struct engine        *e;

    o.n_threads = 1;
    o.max_step = 8;
    enum err err = engine_open(&e, &o, why);
    if (err != ERR_OK)
        return err;
    use(e);
    engine_close(e);
    return ERR_OK;
}

/* ---- tests ---- */

static void whole_models_open(void **state)
{
    struct world *w = *state;
    uint64_t      size;

    for (int i = 0; i < N_VICTIMS; i++) {
        const char  *path = write_model(w, i, w->victim[i].m.bytes, &size);
        struct apart a = apart(try_model, (void *)(uintptr_t)path);
        if (a.died || a.refused)
            fail_msg("%s: %s", w->victim[i].name, a.why);
    }
}

static void malformed_ones_are_refused(void **state)
{
    struct world      *w = *state;
    struct tally_apart t;

    tally_start(&t);
    for (uint64_t n = 0; n < n_cases; n++) {
        /* Every other case is a GGUF file. */
        int           i = n % 2 == 0 ? GGUF : 1 + (int)(n / 2 % (N_VICTIMS - 1));
        struct strbuf bytes = { 0 };
        uint64_t      size;
        mutate(&bytes, &w->victim[i].m, n);
        const char  *path = write_model(w, i, strbuf_slice(&bytes), &size);
        struct apart a = apart(try_model, (void *)(uintptr_t)path);
        if (!tally_add(&t, &a, size))
            fail_msg("case %llu, %s: %s", (unsigned long long)n,
                     w->victim[i].name, a.why);
        strbuf_drop(&bytes);
    }
    print_message("%zu files: %zu refused, in at most %u ms and %llu KiB\n",
                  t.n, t.refused, t.most_ms,
                  (unsigned long long)t.most_memory >> 10);
    assert_true(t.refused > t.n / 4);
}

/* ---- limits that are broken ---- */

static enum err crash(void *arg, struct err_info *why)
{
    (void)arg;
    (void)why;
    abort();
}

static enum err gorge(void *arg, struct err_info *why)
{
    size_t         n = (size_t)effort_memory(APART_MARGIN) * 3 / 2;
    volatile char *all = malloc(n);
    (void)arg;
    for (size_t i = 0; all != NULL && i < n; i += 4096)
        all[i] = 1;
    return fail(why, ERR_FORMAT, "refused");
}

static enum err say_nothing(void *arg, struct err_info *why)
{
    (void)arg;
    (void)why;
    return ERR_FORMAT;
}

static void broken_limits_are_noticed(void **state)
{
    enum err (*const bad[])(void *, struct err_info *) = { crash, gorge,
                                                           say_nothing };
    struct tally_apart t;

    (void)state;
    tally_start(&t);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct apart a = apart(bad[i], NULL);
        assert_false(tally_add(&t, &a, 1000));
    }
}

static int open_world(void **state)
{
    static struct world w;
    world_open(&w);
    *state = &w;
    return 0;
}

static int close_world(void **state)
{
    world_close(*state);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_models_open),
        cmocka_unit_test(broken_limits_are_noticed),
        cmocka_unit_test(malformed_ones_are_refused),
    };
    if (argc > 1)
        n_cases = strtoull(argv[1], NULL, 10);
    return cmocka_run_group_tests(tests, open_world, close_world);
}
