#include "cli/console.h"
#include "cli/help.h"
#include "cli/open.h"
#include "cli/verbs.h"
#include "base/file.h"
#include "base/mapguard.h"
#include "kernels/dispatch.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_VERBS = 32 };

static int usage_error(const struct verb *verb, struct err_info *why)
{
    console_error(NULL, why);
    if (verb != NULL)
        fprintf(stderr, "usage: osmia %s %s\n", verb->name, verb->usage);
    else
        fputs("usage: osmia VERB MODEL [...] (osmia --help lists the verbs)\n",
              stderr);
    return EXIT_USAGE;
}

static int unknown_verb(const char *word)
{
    const char *names[MAX_VERBS + 1];
    struct err_info why;
    size_t n = 0;

    for (; n < MAX_VERBS && verbs[n] != NULL; n++)
        names[n] = verbs[n]->name;
    names[n] = NULL;
    const char *near = nearest_word(word, names);
    if (near != NULL)
        fail(&why, ERR_REQUEST, "there is no verb \"%.60s\"; did you mean %s?",
             word, near);
    else
        fail(&why, ERR_REQUEST, "there is no verb \"%.60s\"", word);
    return usage_error(NULL, &why);
}

/* A full disk must not look like success. */
static int finish(int status)
{
    bool written = fflush(stdout) == 0 && ferror(stdout) == 0;
    if (written || status != EXIT_DONE)
        return status;
    fputs("osmia: stdout: the output could not be written\n", stderr);
    return EXIT_FAILED;
}

/* These variables are part of the command line, so to speak. */
static bool environment_usable(struct err_info *why)
{
    const struct isa_set *set;
    uint64_t              size;

    return isa_pick(&set, getenv("OSMIA_ISA"), cpu_features(), why) == ERR_OK
        && open_cache_size(&size, why) == ERR_OK;
}

static int run_verb(const struct verb *verb, int argc, char **argv)
{
    struct options o;
    struct err_info why;
    int status;

    if (options_parse(&o, verb, argc, argv, &why) != ERR_OK
        || !environment_usable(&why)) {
        status = usage_error(verb, &why);
    } else if (o.help) {
        help_verb(stdout, verb);
        status = EXIT_DONE;
    } else {
        status = verb->run(&o);
    }
    options_drop(&o);
    return finish(status);
}

/* A manager of workers starts us with flags alone, or through a link that has
 * its worker's name. */
static bool is_worker(int argc, char **argv)
{
    const char *name = argc > 0 ? path_base(argv[0]) : "";

    if (strcmp(name, "llm-worker-rbee") == 0
        || strcmp(name, "llm-worker-rbee-cpu") == 0)
        return true;
    return argc > 1 && strncmp(argv[1], "--", 2) == 0
        && strcmp(argv[1], "--help") != 0 && strcmp(argv[1], "--version") != 0
        && strcmp(argv[1], "--man") != 0;
}

int main(int argc, char **argv)
{
    const char *first = argc > 1 ? argv[1] : NULL;

    /* A parent may have ignored SIGPIPE; a broken pipe must end us silently. */
    signal(SIGPIPE, SIG_DFL);
    mapguard_install();
    if (is_worker(argc, argv)) {
        bool has_verb = first != NULL && strcmp(first, "serve") == 0;
        return run_verb(&verb_serve, argc - 1 - has_verb, argv + 1 + has_verb);
    }
    if (first == NULL) {
        help_program(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0
        || strcmp(first, "help") == 0) {
        const struct verb *verb = argc > 2 ? verb_find(argv[2]) : NULL;
        if (verb != NULL)
            help_verb(stdout, verb);
        else
            help_program(stdout);
        return finish(EXIT_DONE);
    }
    if (strcmp(first, "--version") == 0) {
        help_version(stdout);
        return finish(EXIT_DONE);
    }
    if (strcmp(first, "--man") == 0) {
        help_man(stdout);
        return finish(EXIT_DONE);
    }
    const struct verb *verb = verb_find(first);
    if (verb == NULL)
        return unknown_verb(first);
    return run_verb(verb, argc - 2, argv + 2);
}
