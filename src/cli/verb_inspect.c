/* inspect: what a model is, without reading its weights. */
#include "base/json.h"
#include "cli/console.h"
#include "cli/open.h"
#include "cli/verbs.h"
#include "engine/facts.h"
#include "kernels/dispatch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AT(field) offsetof(struct options, field)

/* "q4_1/avx2": what multiplies weights of a type on this machine. */
static bool kernel_of(char *name, size_t size, const char *type)
{
    const struct isa_set *set;

    if (isa_pick(&set, getenv("OSMIA_ISA"), cpu_features(), NULL) != ERR_OK)
        return false;
    for (const struct weight_format *const *f = set->weights->formats;
         *f != NULL; f++)
        if (strcmp((*f)->name, type) == 0) {
            snprintf(name, size, "%s/%s", type, set->name);
            return true;
        }
    return false;
}

/* ---- for programs ---- */

static void put_name(struct strbuf *out, const char *name)
{
    strbuf_puts(out, out->len > 1 ? ", " : "");
    json_put_string(out, slice_of(name));
    strbuf_puts(out, ": ");
}

static void put_text(struct strbuf *out, const char *name, const char *value)
{
    put_name(out, name);
    if (value == NULL)
        strbuf_puts(out, "null");
    else
        json_put_string(out, slice_of(value));
}

static void put_count(struct strbuf *out, const char *name, bool known,
                      uint64_t value)
{
    put_name(out, name);
    if (known)
        strbuf_printf(out, "%llu", (unsigned long long)value);
    else
        strbuf_puts(out, "null");
}

static void put_files(struct strbuf *out, const struct engine_facts *f)
{
    put_name(out, "files");
    strbuf_putc(out, '[');
    for (size_t i = 0; i < f->n_files; i++) {
        strbuf_puts(out, i > 0 ? ", " : "");
        json_put_string(out, slice_of(f->files[i]));
    }
    strbuf_putc(out, ']');
}

static void put_shape(struct strbuf *out, const struct engine_facts *f)
{
    const struct { const char *name; uint64_t value; } rows[] = {
        { "layers", f->n_layer }, { "hidden_size", f->hidden_size },
        { "heads", f->n_head }, { "kv_heads", f->n_head_kv },
        { "head_dim", f->head_dim }, { "vocab_size", f->vocab_size },
        { "context_length", f->context_length },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        put_count(out, rows[i].name, f->configured, rows[i].value);
    put_name(out, "experts");
    if (f->n_expert == 0)
        strbuf_puts(out, "null");
    else
        strbuf_printf(out, "{\"total\": %u, \"used\": %u, \"shared\": %u}",
                      f->n_expert, f->n_expert_used, f->n_expert_shared);
}

static void put_tokenizer(struct strbuf *out, const struct engine_facts *f)
{
    put_name(out, "tokenizer");
    if (!f->tokenizer.known) {
        strbuf_puts(out, "null");
        return;
    }
    strbuf_puts(out, "{\"kind\": ");
    json_put_string(out, slice_of(f->tokenizer.kind));
    strbuf_printf(out, ", \"size\": %zu, \"bos\": ", f->tokenizer.size);
    if (f->tokenizer.bos < 0)
        strbuf_puts(out, "null");
    else
        strbuf_printf(out, "%d", f->tokenizer.bos);
    strbuf_puts(out, ", \"eos\": [");
    for (size_t i = 0; i < f->tokenizer.n_eos; i++)
        strbuf_printf(out, "%s%d", i > 0 ? ", " : "", f->tokenizer.eos[i]);
    strbuf_printf(out, "], \"adds_bos\": %s}",
                  f->tokenizer.adds_bos ? "true" : "false");
}

static void put_weights(struct strbuf *out, const struct engine_facts *f)
{
    put_name(out, "weights");
    strbuf_putc(out, '{');
    for (size_t i = 0; i < f->n_weights; i++)
        strbuf_printf(out, "%s\"%s\": {\"tensors\": %zu, \"bytes\": %llu}",
                      i > 0 ? ", " : "", f->weights[i].type,
                      f->weights[i].n_tensors,
                      (unsigned long long)f->weights[i].size);
    strbuf_putc(out, '}');
}

static void put_memory(struct strbuf *out, const struct engine_facts *f)
{
    put_name(out, "memory");
    if (!f->configured) {
        strbuf_puts(out, "null");
        return;
    }
    strbuf_printf(out, "{\"weights_bytes\": %llu, \"kv_bytes_per_token\": %llu"
                  ", \"scratch_bytes\": %llu}",
                  (unsigned long long)f->memory.weights_size,
                  (unsigned long long)f->memory.kv_size_per_token,
                  (unsigned long long)f->memory.scratch_size);
}

static void put_kernels(struct strbuf *out, const struct engine_facts *f)
{
    char kernel[64];
    bool any = false;

    put_name(out, "kernels");
    strbuf_putc(out, '{');
    for (size_t i = 0; i < f->n_weights; i++) {
        if (!kernel_of(kernel, sizeof kernel, f->weights[i].type))
            continue;
        strbuf_printf(out, "%s\"%s\": \"%s\"", any ? ", " : "",
                      f->weights[i].type, kernel);
        any = true;
    }
    strbuf_putc(out, '}');
}

static void put_json(struct strbuf *out, const struct engine_facts *f,
                     bool loads)
{
    strbuf_putc(out, '{');
    put_text(out, "architecture", f->architecture);
    put_text(out, "format", f->format);
    put_files(out, f);
    put_count(out, "parameters", true, f->n_parameters);
    put_shape(out, f);
    put_tokenizer(out, f);
    put_name(out, "chat_template");
    strbuf_puts(out, f->chat_template ? "true" : "false");
    put_weights(out, f);
    put_memory(out, f);
    put_kernels(out, f);
    put_name(out, "capabilities");
    strbuf_printf(out, "{\"generate\": %s, \"chat\": %s, \"logprobs\": %s, "
                  "\"tokenize\": %s}", loads ? "true" : "false",
                  loads && f->chat_template && !f->chat_error ? "true" : "false",
                  loads ? "true" : "false",
                  f->tokenizer.known ? "true" : "false");
    strbuf_puts(out, "}\n");
}

/* ---- for people ---- */

static void put_row(struct strbuf *out, const char *name)
{
    strbuf_printf(out, "%-16s", name);
}

static void put_plain_shape(struct strbuf *out, const struct engine_facts *f)
{
    if (!f->configured)
        return;
    put_row(out, "shape");
    strbuf_printf(out, "%u layers, hidden size %u, %u heads (%u for keys and "
                  "values) of %u\n", f->n_layer, f->hidden_size, f->n_head,
                  f->n_head_kv, f->head_dim);
    if (f->n_expert > 0) {
        put_row(out, "experts");
        strbuf_printf(out, "%u, %u used per token, %u shared\n", f->n_expert,
                      f->n_expert_used, f->n_expert_shared);
    }
    put_row(out, "vocabulary");
    strbuf_printf(out, "%zu\n", f->vocab_size);
    put_row(out, "context");
    strbuf_printf(out, "%u tokens\n", f->context_length);
}

static void put_plain_text(struct strbuf *out, const struct engine_facts *f)
{
    put_row(out, "tokenizer");
    if (f->tokenizer.known) {
        strbuf_printf(out, "%s, %zu tokens, ", f->tokenizer.kind,
                      f->tokenizer.size);
        if (f->tokenizer.bos >= 0)
            strbuf_printf(out, "BOS %d (%s), ", f->tokenizer.bos,
                          f->tokenizer.adds_bos ? "added" : "not added");
        strbuf_puts(out, "ends at");
        for (size_t i = 0; i < f->tokenizer.n_eos; i++)
            strbuf_printf(out, " %d", f->tokenizer.eos[i]);
        strbuf_putc(out, '\n');
    } else {
        strbuf_puts(out, "none that could be read\n");
    }
    put_row(out, "chat template");
    strbuf_puts(out, f->chat_error ? "yes, but it does not compile: "
                     : f->chat_template ? "yes" : "none");
    if (f->chat_error)
        strbuf_put_visible(out, slice_of(f->chat_error));
    strbuf_putc(out, '\n');
}

static void put_plain_memory(struct strbuf *out, const struct engine_facts *f)
{
    char kernel[64];

    for (size_t i = 0; i < f->n_weights; i++) {
        put_row(out, i == 0 ? "weights" : "");
        strbuf_printf(out, "%-8s %6zu tensors %10.1f MB", f->weights[i].type,
                      f->weights[i].n_tensors,
                      (double)f->weights[i].size / 1e6);
        if (kernel_of(kernel, sizeof kernel, f->weights[i].type))
            strbuf_printf(out, "  (%s)", kernel);
        strbuf_putc(out, '\n');
    }
    if (!f->configured)
        return;
    put_row(out, "memory");
    strbuf_printf(out, "%.1f MB weights + %.1f kB per token of context (%s) + "
                  "%.1f MB scratch;\n", (double)f->memory.weights_size / 1e6,
                  (double)f->memory.kv_size_per_token / 1e3, f->kv_type,
                  (double)f->memory.scratch_size / 1e6);
    put_row(out, "");
    strbuf_printf(out, "%.0f MB available: a context of %u tokens\n",
                  (double)f->memory.available / 1e6, f->memory.ctx);
}

static void put_plain(struct strbuf *out, const struct engine_facts *f)
{
    put_row(out, "architecture");
    strbuf_puts(out, f->architecture ? f->architecture : "unknown");
    strbuf_putc(out, '\n');
    put_row(out, "format");
    strbuf_printf(out, "%s, %zu file%s\n", f->format, f->n_files,
                  f->n_files == 1 ? "" : "s");
    put_row(out, "parameters");
    strbuf_printf(out, "%.1f million\n", (double)f->n_parameters / 1e6);
    put_plain_shape(out, f);
    put_plain_text(out, f);
    put_plain_memory(out, f);
}

/* ---- lists ---- */

static void put_tensors(struct strbuf *out, const struct checkpoint *c)
{
    for (size_t i = 0; i < c->n_tensors; i++) {
        const struct tensor_info *t = &c->tensors[i];
        strbuf_put_visible(out, t->name);
        strbuf_printf(out, "\t%s\t[", t->dtype->name);
        for (uint32_t d = 0; d < t->n_dims; d++)
            strbuf_printf(out, "%s%llu", d > 0 ? ", " : "",
                          (unsigned long long)t->dims[d]);
        strbuf_printf(out, "]\t%llu\n", (unsigned long long)t->size);
    }
}

static void put_metadata(struct strbuf *out, const struct checkpoint *c)
{
    struct strbuf value = { 0 };
    struct slice name;

    for (size_t i = 0; ; i++) {
        strbuf_clear(&value);
        if (!keys_show(&c->keys, i, &name, &value))
            break;
        strbuf_put_visible(out, name);
        strbuf_putc(out, '\t');
        strbuf_put_visible(out, strbuf_slice(&value));
        strbuf_putc(out, '\n');
    }
    out->failed |= value.failed;
    strbuf_drop(&value);
}

/* ---- the verb ---- */

static void print_look(const struct engine_look *look, const struct options *o,
                       bool loads)
{
    const struct engine_facts *f = engine_look_facts(look);
    struct strbuf out = { 0 };

    if (o->json)
        put_json(&out, f, loads);
    else if (!o->tensors && !o->metadata)
        put_plain(&out, f);
    if (o->metadata)
        put_metadata(&out, engine_look_checkpoint(look));
    if (o->tensors)
        put_tensors(&out, engine_look_checkpoint(look));
    if (!out.failed)
        fwrite(out.at, 1, out.len, stdout);
    fflush(stdout);
    strbuf_drop(&out);
}

static int run_inspect(const struct options *o)
{
    struct console c;
    struct engine_options e;
    struct engine_look *look = NULL;
    struct err_info why = { .code = ERR_OK };

    console_open(&c, o);
    enum err err = open_options(&e, &c, o, &why);
    if (err == ERR_OK)
        err = engine_look_open(&look, &e, &why);
    if (look != NULL)
        print_look(look, o, err == ERR_OK);
    engine_look_close(look);
    return err == ERR_OK ? EXIT_DONE : console_error(&c, &why);
}

static const struct flag flags[] = {
    { .name = "json", .kind = FLAG_SWITCH, .at = AT(json),
      .help = "one JSON object" },
    { .name = "tensors", .kind = FLAG_SWITCH, .at = AT(tensors),
      .help = "list the tensors: name, type, shape, bytes" },
    { .name = "metadata", .kind = FLAG_SWITCH, .at = AT(metadata),
      .help = "list the keys and their values" },
    { .name = NULL },
};

static const struct flag_group group = { "Output", flags };
static const struct flag_group *const groups[] = { &group, &flags_model,
                                                   &flags_general, NULL };

const struct verb verb_inspect = {
    .name = "inspect",
    .usage = "MODEL",
    .does = "what a model is, what it needs, what would be refused",
    .details = "Reads no weights. The exit status is 0 only for a model that "
               "would load; otherwise one line on stderr says why not.",
    .example = "osmia inspect model.gguf --json",
    .groups = groups,
    .needs_model = true,
    .run = run_inspect,
};
