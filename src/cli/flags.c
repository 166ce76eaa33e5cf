/* The flags that several verbs share, one row each. */
#include "cli/chat_prompt.h"
#include "cli/open.h"
#include "cli/request.h"

#define AT(field) offsetof(struct options, field)

static const struct flag general[] = {
    { .name = "verbose", .kind = FLAG_SWITCH, .at = AT(verbose),
      .help = "notices and progress even where stderr is no terminal" },
    { .name = "quiet", .kind = FLAG_SWITCH, .at = AT(quiet),
      .help = "no notices and no progress" },
    { .name = "help", .letter = 'h', .kind = FLAG_SWITCH, .at = AT(help),
      .help = "this page" },
    { .name = NULL },
};

const struct flag_group flags_general = { "General", general };

static const struct flag model[] = {
    { .name = "threads", .kind = FLAG_UINT, .at = AT(threads), .value = "N",
      .least = 1, .most = 1024,
      .help = "threads (default: what affinity, quota, cores allow)" },
    { .name = "ctx", .kind = FLAG_UINT, .at = AT(ctx), .value = "N",
      .least = 1, .most = 1 << 30,
      .help = "context (default: the model's, cut to memory)" },
    { .name = "weights", .kind = FLAG_TEXT, .at = AT(weights), .value = "TYPE",
      .check = open_check_weights,
      .help = "convert while loading: q8_0, q4_k, bf16, ... (as-is)" },
    { .name = "kv", .kind = FLAG_TEXT, .at = AT(kv), .value = "TYPE",
      .check = open_check_kv,
      .help = "type of the cache: f16 (default), bf16, f32, q8_0" },
    { .name = "exact", .kind = FLAG_SWITCH, .at = AT(exact),
      .help = "f32 activations times de-quantised weights; slow" },
    { .name = "seed", .kind = FLAG_UINT, .at = AT(seed), .value = "N",
      .least = 0, .most = 18446744073709551615.0,
      .help = "seed of the sampler (drawn); not for serve" },
    { .name = NULL },
};

const struct flag_group flags_model = { "Model", model };

static const struct flag sampling[] = {
    { .name = "max-tokens", .letter = 'n', .kind = FLAG_UINT,
      .at = AT(max_tokens), .value = "N", .least = 0, .most = 1 << 30,
      .help = "longest answer (default: 2048 or the room left)" },
    { .name = "temperature", .kind = FLAG_REAL, .at = AT(temperature),
      .value = "X", .least = 0, .most = 100, .help = "0 is greedy" },
    { .name = "top-k", .kind = FLAG_UINT, .at = AT(top_k), .value = "N",
      .least = 0, .most = 1 << 30, .help = "the N likeliest (0: all)" },
    { .name = "top-p", .kind = FLAG_REAL, .at = AT(top_p), .value = "X",
      .least = 0, .most = 1, .help = "the likeliest that make up X together" },
    { .name = "min-p", .kind = FLAG_REAL, .at = AT(min_p), .value = "X",
      .least = 0, .most = 1, .help = "at least X times the likeliest" },
    { .name = "repetition-penalty", .kind = FLAG_REAL,
      .at = AT(repetition_penalty), .value = "X", .least = 1e-6, .most = 100,
      .help = "weaken tokens seen before (1: off)" },
    { .name = "frequency-penalty", .kind = FLAG_REAL,
      .at = AT(frequency_penalty), .value = "X", .least = -2, .most = 2,
      .help = "subtract X each time a token was generated" },
    { .name = "presence-penalty", .kind = FLAG_REAL,
      .at = AT(presence_penalty), .value = "X", .least = -2, .most = 2,
      .help = "subtract X if a token was generated" },
    { .name = "stop", .kind = FLAG_LIST, .at = AT(stop), .value = "TEXT",
      .check = request_check_stop,
      .help = "end before this text (repeatable)" },
    { .name = "ignore-eos", .kind = FLAG_SWITCH, .at = AT(ignore_eos),
      .help = "go on after end-of-text tokens" },
    { .name = "logit-bias", .kind = FLAG_LIST, .at = AT(logit_bias),
      .value = "ID=X", .check = request_check_bias,
      .help = "add X to a token's logit (repeatable)" },
    { .name = NULL },
};

const struct flag_group flags_sampling = { "Sampling", sampling };

static const struct flag prompt[] = {
    { .name = "system", .kind = FLAG_TEXT, .at = AT(system), .value = "TEXT",
      .help = "a system message in front" },
    { .name = "chat-template", .kind = FLAG_TEXT, .at = AT(chat_template),
      .value = "FILE", .help = "use this template, not the model's" },
    { .name = "template-arg", .kind = FLAG_LIST, .at = AT(template_arg),
      .value = "NAME=JSON", .check = prompt_check_arg,
      .help = "a variable for the template (repeatable)" },
    { .name = NULL },
};

const struct flag_group flags_prompt = { "Prompt", prompt };
