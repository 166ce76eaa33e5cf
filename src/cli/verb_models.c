/* models: what this build supports, from the tables that the loader uses. */
#include "cli/console.h"
#include "cli/verbs.h"
#include "kernels/dispatch.h"
#include "models/arch_table.h"
#include "text/pretokenizer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Words of a line that is wrapped at 78 columns. */
struct wrapped { size_t column; };

static void put_word(struct wrapped *w, const char *word)
{
    size_t len = strlen(word);

    if (w->column > 0 && w->column + 1 + len > 78) {
        putchar('\n');
        w->column = 0;
    }
    printf(w->column == 0 ? "  %s" : " %s", word);
    w->column += len + (w->column == 0 ? 2 : 1);
}

static const char *or_dash(const char *name)
{
    return name != NULL ? name : "-";
}

static void print_architectures(void)
{
    size_t n;
    const struct arch_row *rows = arch_rows(&n);

    printf("Architectures\n  %-22s %-18s %-32s %s\n", "family", "model_type",
           "class", "GGUF");
    for (size_t i = 0; i < n; i++)
        printf("  %-22s %-18s %-32s %s\n", rows[i].arch->name,
               or_dash(rows[i].model_type), or_dash(rows[i].class_name),
               or_dash(rows[i].gguf));
}

static void print_weights(const struct isa_set *set)
{
    struct wrapped packed = { 0 }, plain = { 0 };

    printf("\nWeight formats, packed for %s\n", set->name);
    for (const struct weight_format *const *f = set->weights->formats;
         *f != NULL; f++)
        if ((*f)->pack != NULL)
            put_word(&packed, (*f)->name);
    printf("\n\nWeight formats, read as stored\n");
    for (const struct weight_format *const *f = set->weights->formats;
         *f != NULL; f++)
        if ((*f)->pack == NULL)
            put_word(&plain, (*f)->name);
    if (plain.column == 0)
        fputs("  none", stdout);
    putchar('\n');
}

static void print_tokenizers(void)
{
    struct wrapped names = { 0 };

    printf("\nTokenizers\n  tokenizer.json, vocab.json with merges.txt; in GGUF "
           "files: gpt2, llama, t5\n\nPre-tokenizers of GGUF files\n");
    for (const char *const *n = pretokenizer_names(); *n != NULL; n++)
        put_word(&names, *n);
    putchar('\n');
}

static int run_models(const struct options *o)
{
    const struct isa_set *set;
    struct err_info why;

    (void)o;
    if (isa_pick(&set, getenv("OSMIA_ISA"), cpu_features(), &why) != ERR_OK)
        return console_error(NULL, &why);
    print_architectures();
    print_weights(set);
    print_tokenizers();
    return EXIT_DONE;
}

static const struct flag_group *const groups[] = { &flags_general, NULL };

const struct verb verb_models = {
    .name = "models",
    .usage = "",
    .does = "the architectures, weight formats and tokenizers of this build",
    .example = "osmia models",
    .groups = groups,
    .run = run_models,
};
