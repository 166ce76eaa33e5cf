#include "cli/help.h"
#include "cli/verbs.h"
#include "kernels/dispatch.h"
#include "osmia.h"

#include <histedit.h>
#include <stdlib.h>
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <utf8proc.h>
#include <xxhash.h>

static const char tagline[] =
    "Osmia runs language models: a Hugging Face directory or a GGUF file.";

/* What is true for every verb; plain text, one paragraph a row. */
static const char *const manners[] = {
    "MODEL is a GGUF file (the first one, if it is split), a .safetensors file, "
    "a Hugging Face directory, or owner/repo in the local Hugging Face cache.",
    "Answers go to stdout, everything else to stderr. Exit status: 0 done, 1 "
    "failed, 2 wrong command line, 130 interrupted.",
    NULL,
};

struct variable { const char *name, *does; };

static const struct variable environment[] = {
    { "OSMIA_ISA", "force an instruction set: scalar, emu16, avx2, avxvnni, "
                   "avx512, avx512vnni, avx512bf16, neon, neon_i8mm" },
    { "OSMIA_CACHE", "a folder for packed weights: the first start with a model "
                     "writes them there (as much again as the model takes), "
                     "the next ones only map them. It may be removed at any "
                     "time" },
    { "OSMIA_CACHE_MB", "most that it may hold, in MiB (default: 32768); what "
                        "was not used for longest goes first" },
    { "HF_HOME", "where the local Hugging Face cache is" },
    { "LLORCH_API_TOKEN", "serve: the token clients must show; removed from "
                          "the environment once read" },
    { "LLORCH_LOG_FORMAT", "serve: json makes each line of the log an object" },
    { "NOTIFY_SOCKET", "serve: where to say that it is ready (systemd)" },
    { "NO_COLOR", "no colours in chat" },
    { NULL, NULL },
};

/* Print words of `text` in lines of at most 78 columns, indented. */
static void wrap(FILE *to, const char *text, size_t indent)
{
    size_t column = indent;

    fprintf(to, "%*s", (int)indent, "");
    while (*text != '\0') {
        size_t len = strcspn(text, " ");
        if (column > indent && column + 1 + len > 78) {
            fprintf(to, "\n%*s", (int)indent, "");
            column = indent;
        }
        if (column > indent) {
            fputc(' ', to);
            column++;
        }
        fwrite(text, 1, len, to);
        column += len;
        text += len;
        text += strspn(text, " ");
    }
    fputc('\n', to);
}

void help_program(FILE *to)
{
    fprintf(to, "%s\n\nusage: osmia VERB MODEL [...]\n\n", tagline);
    for (const struct verb *const *v = verbs; *v != NULL; v++)
        fprintf(to, "  %-12s%s\n", (*v)->name, (*v)->does);
    fputc('\n', to);
    for (const char *const *m = manners; *m != NULL; m++)
        wrap(to, *m, 0);
    fputs("\nEnvironment\n", to);
    for (const struct variable *e = environment; e->name != NULL; e++) {
        fprintf(to, "  %s\n", e->name);
        wrap(to, e->does, 6);
    }
    fputs("\nosmia VERB --help shows a verb's flags; osmia --version the build."
          "\nexample: osmia run model.gguf \"What is the capital of France?\"\n",
          to);
}

/* "  -n, --max-tokens N" */
static void flag_heading(char *line, size_t size, const struct flag *f)
{
    char letter[8] = "";

    if (f->letter != 0)
        snprintf(letter, sizeof letter, "-%c, ", f->letter);
    snprintf(line, size, "%s--%s%s%s", letter, f->name,
             f->value ? " " : "", f->value ? f->value : "");
}

void help_verb(FILE *to, const struct verb *verb)
{
    char heading[80];

    fprintf(to, "osmia %s: %s\n\nusage: osmia %s %s\n", verb->name, verb->does,
            verb->name, verb->usage);
    if (verb->details != NULL) {
        fputc('\n', to);
        wrap(to, verb->details, 0);
    }
    for (const struct flag_group *const *g = verb->groups; *g != NULL; g++) {
        fprintf(to, "\n%s\n", (*g)->title);
        for (const struct flag *f = (*g)->flags; f->name != NULL; f++) {
            if (f->help == NULL)
                continue;
            flag_heading(heading, sizeof heading, f);
            fprintf(to, "  %-26s %s\n", heading, f->help);
        }
    }
    fprintf(to, "\nexample: %s\n", verb->example);
}

void help_version(FILE *to)
{
    char pcre2[64] = "";
    struct err_info why;
    const struct isa_set *set;

    pcre2_config(PCRE2_CONFIG_VERSION, pcre2);
    fprintf(to, "osmia %s\ninstruction sets:", OSMIA_VERSION);
    for (size_t i = 0; (set = isa_at(i)) != NULL; i++)
        fprintf(to, " %s", set->name);
    if (isa_pick(&set, getenv("OSMIA_ISA"), cpu_features(), &why) == ERR_OK)
        fprintf(to, " (chosen: %s)", set->name);
    fprintf(to, "\nlibraries: pcre2 %s, utf8proc %s, xxHash %u.%u.%u, "
            "libedit %d.%d\n", pcre2, utf8proc_version(),
            XXH_versionNumber() / 10000, XXH_versionNumber() / 100 % 100,
            XXH_versionNumber() % 100, LIBEDIT_MAJOR, LIBEDIT_MINOR);
}

/* ---- the man page ---- */

/* Text for roff: backslashes and hyphens escaped, no leading dot or quote. */
static void roff(FILE *to, const char *text)
{
    if (*text == '.' || *text == '\'')
        fputs("\\&", to);
    for (; *text != '\0'; text++) {
        if (*text == '\\')
            fputs("\\e", to);
        else if (*text == '-')
            fputs("\\-", to);
        else
            fputc(*text, to);
    }
}

static void roff_flags(FILE *to, const struct flag_group *group)
{
    char heading[80];

    fputs(".PP\n.I ", to);
    roff(to, group->title);
    fputc('\n', to);
    for (const struct flag *f = group->flags; f->name != NULL; f++) {
        if (f->help == NULL)
            continue;
        flag_heading(heading, sizeof heading, f);
        fputs(".TP\n.B ", to);
        roff(to, heading);
        fputc('\n', to);
        roff(to, f->help);
        fputc('\n', to);
    }
}

static void roff_verb(FILE *to, const struct verb *verb)
{
    fputs(".SS ", to);
    roff(to, verb->name);
    fputs("\n.B osmia ", to);
    roff(to, verb->name);
    fputc(' ', to);
    roff(to, verb->usage);
    fputs("\n.PP\n", to);
    roff(to, verb->does);
    fputs(".\n", to);
    if (verb->details != NULL) {
        roff(to, verb->details);
        fputc('\n', to);
    }
    for (const struct flag_group *const *g = verb->groups; *g != NULL; g++)
        if (*g != &flags_general && *g != &flags_model
            && *g != &flags_sampling && *g != &flags_prompt)
            roff_flags(to, *g);
    fputs(".PP\nExample:\n.PP\n.nf\n", to);
    roff(to, verb->example);
    fputs("\n.fi\n", to);
}

void help_man(FILE *to)
{
    static const struct flag_group *const shared[] = {
        &flags_general, &flags_model, &flags_sampling, &flags_prompt, NULL,
    };

    fprintf(to, ".TH OSMIA 1 \"\" \"osmia %s\"\n.SH NAME\n"
            "osmia \\- run language models\n.SH SYNOPSIS\n"
            ".B osmia\n.I VERB MODEL\n[...]\n.SH DESCRIPTION\n", OSMIA_VERSION);
    roff(to, tagline);
    for (const char *const *m = manners; *m != NULL; m++) {
        fputs("\n.PP\n", to);
        roff(to, *m);
    }
    fputs("\n.SH VERBS\n", to);
    for (const struct verb *const *v = verbs; *v != NULL; v++)
        roff_verb(to, *v);
    fputs(".SH FLAGS\nThese are shared by the verbs that load a model; ", to);
    roff(to, "osmia VERB --help shows which a verb takes.\n");
    for (size_t i = 0; shared[i] != NULL; i++)
        roff_flags(to, shared[i]);
    fputs(".SH ENVIRONMENT\n", to);
    for (const struct variable *e = environment; e->name != NULL; e++) {
        fputs(".TP\n.B ", to);
        roff(to, e->name);
        fputc('\n', to);
        roff(to, e->does);
        fputc('\n', to);
    }
}
