/* Osmia: language models on this machine.
 *
 * This is the whole public interface of libosmia.  A minimal program:
 *
 *     struct osmia_error    why;
 *     struct osmia_model   *model;
 *     struct osmia_options  options = OSMIA_OPTIONS_INIT;
 *
 *     if (osmia_load(&model, "model.gguf", &options, &why) != OSMIA_OK)
 *         fprintf(stderr, "%s\n", why.text);
 *     ...
 *     osmia_unload(model);
 *
 * Errors.  Functions that can fail return an enum osmia_status; OSMIA_OK is 0.
 *   `error`, the last parameter, may be NULL; else it receives the status and a
 *   sentence that names what was wrong, where, and what was expected.  A
 *   function that fails changes nothing unless its description says so, and
 *   leaves its output parameters undefined.  The library prints nothing, exits
 *   never, aborts never because of input, and installs no signal handler.
 *
 * Threads.  An object may be used by any thread.  Computing on a model (all
 *   functions marked [computes]) is one call at a time per model, sessions
 *   included: a second one at the same time returns OSMIA_BUSY at once and
 *   changes nothing.  osmia_cancel and all other functions may be called while
 *   one computes.  Closing an object that a call is using is an error of the
 *   program, as is closing it twice.
 *
 * Lifetime.  A session belongs to a model and must be closed before it; a model
 *   must be unloaded before a pool it uses is closed.  Pointers that functions
 *   return belong to the object and live as long as it does, or as long as the
 *   description says.  Strings and arrays given to a function are read during
 *   the call only.
 *
 * Texts are UTF-8 with a length in bytes; they need no NUL and may contain one.
 * Token ids are int32_t from 0 to osmia_vocab_size() - 1.  Positions count
 * tokens from 0.
 *
 * Versions.  Structs that programs fill begin with `size`, set by their _INIT
 * macro: later versions append members and give older programs the old ones.
 * Functions and values are never taken away within one soname. */
#ifndef OSMIA_H
#define OSMIA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define OSMIA_API __attribute__((visibility("default")))
#define OSMIA_VERSION "0.1.0"

/* The version of the library that runs, as OSMIA_VERSION is of the header. */
OSMIA_API const char *osmia_version(void);

/* ---- errors ---- */

enum osmia_status {
    OSMIA_OK,
    OSMIA_NO_MEMORY,     /* an allocation failed */
    OSMIA_IO,            /* a file cannot be read */
    OSMIA_BAD_FILE,      /* a file breaks its own format */
    OSMIA_UNKNOWN,       /* valid, but not supported here */
    OSMIA_BAD_REQUEST,   /* an argument, message or parameter is wrong */
    OSMIA_LIMIT,         /* does not fit: memory, context, a limit */
    OSMIA_FULL,          /* no free session or no cache left for now */
    OSMIA_BUSY,          /* another call computes on this model */
    OSMIA_CANCELLED,     /* osmia_cancel or a callback said so */
    OSMIA_NOT_FINITE     /* the model computed a NaN or an infinity */
};

struct osmia_error {
    enum osmia_status status;
    char              text[1024];    /* one line, NUL-terminated */
};

/* A general sentence for a status.  Never NULL. */
OSMIA_API const char *osmia_status_text(enum osmia_status status);

/* ---- threads that compute ---- */

/* A pool of threads.  A model makes its own unless it is given one; several
 * models may share one, whose calls then take turns. */
struct osmia_pool;

/* n_threads, the calling one included; 0: what suits this machine (processors
 * this process may use, control group quotas, physical cores). */
OSMIA_API enum osmia_status osmia_pool_open(struct osmia_pool **out,
                                            unsigned n_threads,
                                            struct osmia_error *error);
OSMIA_API void     osmia_pool_close(struct osmia_pool *pool);   /* NULL: fine */
OSMIA_API unsigned osmia_pool_threads(const struct osmia_pool *pool);

/* ---- loading ---- */

struct osmia_model;

/* Told how work goes on ("loading", "prompt", ...; done of total in units of
 * the work, total 0: unknown), at least every 50 ms, on the thread that called.
 * A true answer cancels: the call returns OSMIA_CANCELLED. */
typedef bool osmia_progress(void *arg, const char *doing, uint64_t done,
                            uint64_t total);
/* Told what went on in an unexpected but lawful way while loading (a context
 * cut to what memory allows, a special token out of range). */
typedef void osmia_notice(void *arg, const char *sentence);

struct osmia_options {
    size_t             size;        /* sizeof this struct */
    const char        *device;      /* NULL: "cpu", the only one so far */
    unsigned           n_threads;   /* 0: what suits; not with `pool` */
    struct osmia_pool *pool;        /* NULL: the model makes its own */
    const char        *weights;     /* NULL: as stored; else convert to this
                                       format while loading ("q8_0", ...) */
    const char        *kv;          /* type of the cache: "f16", "f32", "bf16",
                                       "q8_0"; NULL: f16, with `exact` f32 */
    bool               exact;       /* f32 activations times de-quantised
                                       weights: slower, for comparisons */
    uint32_t           context;     /* most tokens of a session; 0: the model's,
                                       cut to what memory allows */
    uint32_t           n_sessions;  /* that may be open at once; 0: 1 */
    uint64_t           kv_size;     /* most bytes for the cache of all sessions;
                                       0: a whole context for each, cut to what
                                       memory allows */
    osmia_progress    *progress;    /* NULL: none; used while loading and in
                                       every call that computes */
    void              *progress_arg;
    osmia_notice      *notice;      /* NULL: none; used while loading only */
    void              *notice_arg;
    const char        *cache;       /* a folder (made if missing) where packed
                                       weights are kept, so that the next load
                                       is fast; NULL: none */
};
#define OSMIA_OPTIONS_INIT { sizeof(struct osmia_options), 0, 0, 0, 0, 0, 0, \
                             0, 0, 0, 0, 0, 0, 0, 0 }

/* Load a model: a GGUF file (the first one of a split), a .safetensors file, a
 * Hugging Face directory, or owner/repo in the local Hugging Face cache.
 * options: NULL for the defaults.  What cannot fit into memory is refused
 * before weights are read (OSMIA_LIMIT, with both numbers). */
OSMIA_API enum osmia_status osmia_load(struct osmia_model **out,
                                       const char *path,
                                       const struct osmia_options *options,
                                       struct osmia_error *error);
OSMIA_API void osmia_unload(struct osmia_model *model);         /* NULL: fine */

/* ---- what the model is (constant after loading) ---- */

/* The architecture's name as the files have it: "llama". */
OSMIA_API const char *osmia_architecture(const struct osmia_model *model);
/* Floats of a row of logits.  Some ids may have no token. */
OSMIA_API size_t osmia_vocab_size(const struct osmia_model *model);
/* Most tokens of a session, the answer included. */
OSMIA_API size_t osmia_context(const struct osmia_model *model);
/* The ids that end an answer, ascending; *n of them. */
OSMIA_API const int32_t *osmia_eos(const struct osmia_model *model, size_t *n);

enum osmia_capability {
    OSMIA_CAN_FORWARD  = 1,      /* logits, sessions, generating */
    OSMIA_CAN_TOKENIZE = 2,
    OSMIA_CAN_RENDER   = 4       /* has a chat template that compiles */
};
/* enum osmia_capability, or-ed. */
OSMIA_API unsigned osmia_capabilities(const struct osmia_model *model);

/* ---- text ---- */

enum osmia_tokenize_flag {
    OSMIA_ADD_SPECIAL   = 1,     /* BOS and EOS as the tokenizer adds them */
    OSMIA_PARSE_SPECIAL = 2      /* special tokens in the text become ids */
};

/* Where a function puts ids or text: room the caller has.  n or len becomes
 * what there is to put; when that is more than `capacity`, the function returns
 * OSMIA_LIMIT and writes nothing else (at == NULL is fine with capacity 0). */
struct osmia_ids {
    int32_t *at;
    size_t   capacity, n;
};
struct osmia_buffer {
    char  *at;
    size_t capacity, len;        /* bytes; no NUL is added */
};

/* Text to ids; flags: enum osmia_tokenize_flag, or-ed. */
OSMIA_API enum osmia_status
osmia_tokenize(const struct osmia_model *model, const char *text, size_t len,
               unsigned flags, struct osmia_ids *out,
               struct osmia_error *error);

/* Ids to text.  Bytes that are no UTF-8 become U+FFFD.  skip_special: special
 * tokens give no text. */
OSMIA_API enum osmia_status
osmia_detokenize(const struct osmia_model *model, const int32_t *ids, size_t n,
                 bool skip_special, struct osmia_buffer *out,
                 struct osmia_error *error);

/* The prompt that the model's chat template makes of a request in the form of
 * the OpenAI API: {"messages": [...], "tools": [...], ...} as JSON.
 * OSMIA_UNKNOWN: the model has no chat template. */
OSMIA_API enum osmia_status
osmia_render(const struct osmia_model *model, const char *request, size_t len,
             struct osmia_buffer *out, struct osmia_error *error);

/* The ids of a rendered prompt: special tokens are parsed, and the tokenizer's
 * BOS is put in front unless the text begins with it. */
OSMIA_API enum osmia_status
osmia_tokenize_prompt(const struct osmia_model *model, const char *text,
                      size_t len, struct osmia_ids *out,
                      struct osmia_error *error);

/* ---- logits ---- */

/* [computes]  Run n tokens of the model's own sequence, the first of which
 * stands at `position`: what the cache holds from there on is forgotten; a
 * position beyond what it holds is OSMIA_BAD_REQUEST.  logits [vocab_size]: of
 * the last token, f32, as the model gives them (NULL: not wanted).
 * OSMIA_LIMIT: the context is too small.  On OSMIA_CANCELLED some of the tokens
 * may have run: osmia_position tells how many the cache holds. */
OSMIA_API enum osmia_status
osmia_forward(struct osmia_model *model, const int32_t *tokens, size_t n,
              size_t position, float *logits, struct osmia_error *error);
OSMIA_API size_t osmia_position(const struct osmia_model *model);
/* [computes]  Forget what osmia_forward and osmia_generate have cached. */
OSMIA_API enum osmia_status osmia_reset_cache(struct osmia_model *model,
                                              struct osmia_error *error);

/* From any thread (a signal handler, too): the call that computes on this model
 * now, if there is one, gives up as soon as it can and returns
 * OSMIA_CANCELLED.  Later calls are not affected. */
OSMIA_API void osmia_cancel(struct osmia_model *model);

/* ---- sampling ---- */

struct osmia_sampling {
    size_t   size;                  /* sizeof this struct */
    float    temperature;           /* 0 .. 2; 0: the most likely token */
    uint32_t top_k;                 /* only the k most likely; 0: off */
    float    top_p;                 /* 0 .. 1: the fewest tokens that make up
                                       this share; 1: off */
    float    min_p;                 /* 0 .. 1: none below this part of the most
                                       likely one; 0: off */
    float    repetition_penalty;    /* above 0 .. 2; 1: off */
    float    frequency_penalty;     /* -2 .. 2; 0: off */
    float    presence_penalty;      /* -2 .. 2; 0: off */
    uint32_t repeat_last_n;         /* tokens the repetition penalty looks back;
                                       0: all */
    uint64_t seed;                  /* same model, tokens, parameters and seed:
                                       same token, whatever runs beside it */
};

/* What the model's makers recommend (generation_config.json, GGUF keys), on top
 * of temperature 0.7, top_p 0.95, min_p 0.05; seed 0. */
OSMIA_API struct osmia_sampling
osmia_sampling_defaults(const struct osmia_model *model);

/* ---- sessions: sequences of one's own ---- */

struct osmia_session;

/* OSMIA_FULL: n_sessions are open.  A new session is empty. */
OSMIA_API enum osmia_status osmia_session_open(struct osmia_session **out,
                                               struct osmia_model *model,
                                               struct osmia_error *error);
OSMIA_API void osmia_session_close(struct osmia_session *session);

/* The tokens whose keys and values are cached, *n of them; valid until the next
 * call that computes on this session. */
OSMIA_API const int32_t *
osmia_session_tokens(const struct osmia_session *session, size_t *n);

/* [computes]  Append n tokens.  OSMIA_LIMIT: more than the context holds;
 * nothing ran.  OSMIA_CANCELLED: some may have run. */
OSMIA_API enum osmia_status
osmia_session_append(struct osmia_session *session, const int32_t *tokens,
                     size_t n, struct osmia_error *error);

/* [computes]  Make the session hold exactly these tokens.  The longest common
 * prefix with what it holds is not computed again; *n_reused (may be NULL)
 * tells its length.  So the next turn of a conversation costs its new tokens
 * only. */
OSMIA_API enum osmia_status
osmia_session_set(struct osmia_session *session, const int32_t *tokens,
                  size_t n, size_t *n_reused, struct osmia_error *error);

/* The logits [vocab_size] behind the last token, or NULL (empty, truncated);
 * valid until the next call that computes on this session. */
OSMIA_API const float *
osmia_session_logits(const struct osmia_session *session);

/* [computes]  Choose the token that follows; it is not appended.  The first
 * n_prompt tokens count as the prompt for the penalties. */
OSMIA_API enum osmia_status
osmia_session_sample(struct osmia_session *session,
                     const struct osmia_sampling *sampling, size_t n_prompt,
                     int32_t *token, struct osmia_error *error);

/* [computes]  Forget the tokens from position n on; n <= those held. */
OSMIA_API enum osmia_status
osmia_session_truncate(struct osmia_session *session, size_t n,
                       struct osmia_error *error);
/* [computes]  A new session that holds the first n tokens of this one, sharing
 * their cache. */
OSMIA_API enum osmia_status
osmia_session_fork(struct osmia_session **out,
                   const struct osmia_session *session, size_t n,
                   struct osmia_error *error);

/* ---- answers as text ---- */

/* A piece of the answer: whole characters, never a part of a stop string.  May
 * be empty.  True: enough, the answer ends here. */
typedef bool osmia_text(void *arg, const char *text, size_t len);

struct osmia_generate {
    size_t         size;            /* sizeof this struct */
    const int32_t *prompt;          /* [n_prompt], n_prompt > 0 */
    size_t         n_prompt;
    size_t         max_tokens;      /* 0: the room left in the context */
    const struct osmia_sampling *sampling;   /* NULL: the model's defaults */
    const char *const *stops;       /* [n_stops] non-empty NUL-terminated texts
                                       at which the answer ends */
    size_t         n_stops;
    bool           ignore_eos;      /* end tokens do not end it */
    osmia_text    *on_text;         /* NULL: count only */
    void          *arg;
};
#define OSMIA_GENERATE_INIT { sizeof(struct osmia_generate), 0, 0, 0, 0, 0, 0, \
                              0, 0, 0 }

enum osmia_finish {
    OSMIA_FINISH_STOP,              /* end token, stop string, or on_text */
    OSMIA_FINISH_LENGTH             /* max_tokens, or the context is full */
};

struct osmia_usage {
    size_t            size;         /* sizeof this struct, set by the caller */
    enum osmia_finish finish;
    size_t            n_prompt;     /* tokens of the prompt, */
    size_t            n_cached;     /*   of which were still cached */
    size_t            n_output;     /* tokens generated, without an end token */
    double            first_token_ms, decode_ms;
};
#define OSMIA_USAGE_INIT { sizeof(struct osmia_usage), OSMIA_FINISH_STOP, 0, \
                           0, 0, 0, 0 }

/* [computes]  Answer a prompt.  What the call before it has cached is used
 * again as far as the prompts begin alike.  *usage (may be NULL) is filled also
 * when the call is cancelled; text that was told stays told. */
OSMIA_API enum osmia_status
osmia_generate(struct osmia_model *model, const struct osmia_generate *request,
               struct osmia_usage *usage, struct osmia_error *error);

/* ---- numbers ---- */

/* [computes]  Bytes and counts, for programs that watch over a model. */
struct osmia_stats {
    size_t   size;                  /* sizeof this struct, set by the caller */
    uint64_t weights_bytes;
    uint64_t kv_bytes_per_token;
    size_t   n_blocks_used;         /* of the cache */
    unsigned n_threads;
};
#define OSMIA_STATS_INIT { sizeof(struct osmia_stats), 0, 0, 0, 0 }
OSMIA_API enum osmia_status osmia_stats(struct osmia_model *model,
                                        struct osmia_stats *stats,
                                        struct osmia_error *error);

#ifdef __cplusplus
}
#endif
#endif
