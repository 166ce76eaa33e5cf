/* Everything a command line may say, as one struct, and the tables of flags
 * that fill it.  --help, the man page and the parser read the same rows. */
#ifndef OSMIA_CLI_OPTIONS_H
#define OSMIA_CLI_OPTIONS_H

#include "base/err.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Optional numbers: what was not given has no value. */
struct opt_uint { bool given; uint64_t value; };
struct opt_real { bool given; double value; };

/* A flag that may be repeated. */
struct opt_list {
    const char **at;      /* [n], pointing into argv */
    size_t       n, cap;
};

/* What `serve` alone knows. */
struct serve_flags {
    /* where and who */
    const char *host, *worker_id, *model_ref, *model_name, *backend;
    struct opt_uint port, device;
    /* who may ask */
    const char *api_token_file;
    struct opt_list allow_origin;
    bool local_mode;
    /* limits */
    struct opt_uint max_jobs, max_queue, kv_cache_mb, max_step_ms;
    struct opt_uint max_tokens_in, max_tokens_out, max_body_bytes;
    struct opt_uint timeout_s, job_ttl_s, stream_grace_s;
    struct opt_real drain_s;
    bool any_model, strict_prompt, compat_seed;
    /* who is told */
    const char *queen_url, *callback_url;
    bool log_json;
    /* the process */
    bool no_sandbox, require_sandbox, build_info;
};

struct options {
    /* manners */
    bool help, version, verbose, quiet;
    /* the model and how it runs */
    struct opt_uint threads, ctx, seed;
    const char *weights, *kv;
    bool exact;
    /* sampling */
    struct opt_uint max_tokens, top_k, logprobs;
    struct opt_real temperature, top_p, min_p;
    struct opt_real repetition_penalty, frequency_penalty, presence_penalty;
    struct opt_list stop, logit_bias;
    bool ignore_eos;
    /* prompts */
    const char *system, *user, *chat_template;
    struct opt_list template_arg;
    bool raw;
    /* output */
    bool json, jsonl, stats, pieces, tensors, metadata;
    struct serve_flags serve;
    /* bench */
    const char *prefill, *decode, *batch, *context;     /* lists of numbers */
    struct opt_uint repeat, neighbours;
    bool roofline;
    /* what is no flag (but for serve's --model) */
    const char *model;            /* first word after the verb, or NULL */
    const char **words;           /* [n_words] the rest */
    size_t n_words;
};

void options_drop(struct options *o);

enum { MANY_WORDS = 1 << 30 };

enum flag_kind { FLAG_SWITCH, FLAG_TEXT, FLAG_UINT, FLAG_REAL, FLAG_LIST };

/* Is the text a value that the flag can have?  ERR_REQUEST says what could. */
typedef enum err flag_check(const char *text, struct err_info *why);

/* One flag.  `least` and `most` bound the numbers, both included. */
struct flag {
    const char    *name;          /* without the dashes */
    char           letter;        /* -n; 0: none */
    enum flag_kind kind;
    size_t         at;            /* offset in struct options */
    const char    *value;         /* what the value is called in --help */
    const char    *help;          /* half a line; NULL: not shown */
    double         least, most;   /* FLAG_UINT, FLAG_REAL */
    flag_check    *check;         /* FLAG_TEXT, FLAG_LIST; NULL: any text */
};

/* Flags that belong together, with the headline that --help gives them. */
struct flag_group {
    const char        *title;
    const struct flag *flags;     /* ends with name == NULL */
};

struct verb {
    const char *name;
    const char *usage;            /* what follows the name */
    const char *does;             /* one line */
    const char *details;          /* a few lines, or NULL */
    const char *example;          /* one real command line */
    const struct flag_group *const *groups;     /* ends with NULL */
    bool  needs_model;
    bool  once;                   /* a flag given twice is an error */
    size_t most_words;            /* behind MODEL, when not --jsonl */
    /* What no single flag can tell; NULL: nothing. */
    enum err (*check)(const struct options *o, struct err_info *why);
    int (*run)(const struct options *o);        /* exit status */
};

/* Fill `o` from the words after the verb.  ERR_REQUEST: the command line is
 * wrong; the sentence names the word and, for a misspelt flag, the nearest
 * right one.  `o` must be dropped whatever the outcome. */
enum err options_parse(struct options *o, const struct verb *verb,
                       int argc, char **argv, struct err_info *why);

/* The groups that several verbs share. */
extern const struct flag_group flags_general, flags_model, flags_sampling,
                               flags_prompt;
/* Those of `serve`. */
extern const struct flag_group flags_worker, flags_access, flags_limits,
                               flags_process;

/* The word of `words` (ends with NULL) that `word` was most likely meant to be,
 * or NULL when none is near. */
const char *nearest_word(const char *word, const char *const *words);

#endif
