/* The flags of `serve`, one row each. */
#include "cli/options.h"

#define AT(field) offsetof(struct options, field)

static const struct flag worker[] = {
    { .name = "model", .kind = FLAG_TEXT, .at = AT(model), .value = "PATH",
      .help = "MODEL, for those who start workers with flags alone" },
    { .name = "host", .kind = FLAG_TEXT, .at = AT(serve.host), .value = "ADDR",
      .help = "address to listen on (127.0.0.1; 0.0.0.0 with a token)" },
    { .name = "port", .kind = FLAG_UINT, .at = AT(serve.port), .value = "N",
      .least = 0, .most = 65535, .help = "port (8080); 0: a free one" },
    { .name = "worker-id", .kind = FLAG_TEXT, .at = AT(serve.worker_id),
      .value = "ID", .help = "its name among workers (osmia-PORT)" },
    { .name = "model-ref", .kind = FLAG_TEXT, .at = AT(serve.model_ref),
      .value = "TEXT", .help = "label in heartbeats (the model's base name)" },
    { .name = "model-name", .kind = FLAG_TEXT, .at = AT(serve.model_name),
      .value = "ID", .help = "its id in /v1/models (the base name)" },
    { .name = "any-model", .kind = FLAG_SWITCH, .at = AT(serve.any_model),
      .help = "answer requests for any other model name, too" },
    { .name = "backend", .kind = FLAG_TEXT, .at = AT(serve.backend),
      .value = "NAME", .help = "cpu, the only one built in" },
    { .name = "device", .kind = FLAG_UINT, .at = AT(serve.device),
      .value = "N", .least = 0, .most = 1023, .help = "device (0)" },
    { .name = "cuda-device", .kind = FLAG_UINT, .at = AT(serve.device),
      .value = "N", .least = 0, .most = 1023 },
    { .name = "metal-device", .kind = FLAG_UINT, .at = AT(serve.device),
      .value = "N", .least = 0, .most = 1023 },
    { .name = "rocm-device", .kind = FLAG_UINT, .at = AT(serve.device),
      .value = "N", .least = 0, .most = 1023 },
    { .name = "queen-url", .kind = FLAG_TEXT, .at = AT(serve.queen_url),
      .value = "URL", .help = "send heartbeats there" },
    { .name = "hive-url", .kind = FLAG_TEXT, .at = AT(serve.queen_url),
      .value = "URL" },
    { .name = "callback-url", .kind = FLAG_TEXT, .at = AT(serve.callback_url),
      .value = "URL", .help = "tell this URL once when ready" },
    { .name = NULL },
};

const struct flag_group flags_worker = { "Worker", worker };

static const struct flag access_rows[] = {
    { .name = "api-token-file", .kind = FLAG_TEXT,
      .at = AT(serve.api_token_file), .value = "FILE",
      .help = "tokens, one a line, each its own principal" },
    { .name = "local-mode", .kind = FLAG_SWITCH, .at = AT(serve.local_mode),
      .help = "insist on serving this machine only, without token" },
    { .name = "allow-origin", .kind = FLAG_LIST, .at = AT(serve.allow_origin),
      .value = "URL", .help = "pages of this origin may ask (repeatable; *)" },
    { .name = NULL },
};

const struct flag_group flags_access = { "Access", access_rows };

static const struct flag limits[] = {
    { .name = "max-jobs", .kind = FLAG_UINT, .at = AT(serve.max_jobs),
      .value = "N", .least = 1, .most = 1024,
      .help = "jobs computed together (by memory, at most 16)" },
    { .name = "max-queue", .kind = FLAG_UINT, .at = AT(serve.max_queue),
      .value = "N", .least = 0, .most = 65536,
      .help = "jobs that may wait (64)" },
    { .name = "kv-cache-size-mb", .kind = FLAG_UINT,
      .at = AT(serve.kv_cache_mb), .value = "N", .least = 1, .most = 1 << 24,
      .help = "cache of all jobs and prefixes (by memory)" },
    { .name = "max-step-ms", .kind = FLAG_UINT, .at = AT(serve.max_step_ms),
      .value = "N", .least = 1, .most = 60000,
      .help = "longest step while others stream (80)" },
    { .name = "max-tokens-in", .kind = FLAG_UINT,
      .at = AT(serve.max_tokens_in), .value = "N", .least = 1,
      .most = 1 << 30, .help = "longest prompt (the context)" },
    { .name = "max-tokens-out", .kind = FLAG_UINT,
      .at = AT(serve.max_tokens_out), .value = "N", .least = 1,
      .most = 1 << 30, .help = "longest answer of the worker's routes (2048)" },
    { .name = "max-body-bytes", .kind = FLAG_UINT,
      .at = AT(serve.max_body_bytes), .value = "N", .least = 1,
      .most = 1 << 30, .help = "longest request body (2097152)" },
    { .name = "inference-timeout-sec", .kind = FLAG_UINT,
      .at = AT(serve.timeout_s), .value = "N", .least = 1, .most = 86400,
      .help = "longest time of one inference (300)" },
    { .name = "job-ttl-sec", .kind = FLAG_UINT, .at = AT(serve.job_ttl_s),
      .value = "N", .least = 1, .most = 86400,
      .help = "how long a job's record is kept (300)" },
    { .name = "stream-grace-sec", .kind = FLAG_UINT,
      .at = AT(serve.stream_grace_s), .value = "N", .least = 1,
      .most = 86400, .help = "a job nobody streams is cancelled after (30)" },
    { .name = "drain-sec", .kind = FLAG_REAL, .at = AT(serve.drain_s),
      .value = "X", .least = 0, .most = 3600,
      .help = "time for running jobs after SIGTERM (1.5)" },
    { .name = "strict-prompt", .kind = FLAG_SWITCH,
      .at = AT(serve.strict_prompt),
      .help = "refuse control characters and text direction overrides" },
    { .name = "compat-seed", .kind = FLAG_SWITCH, .at = AT(serve.compat_seed),
      .help = "seed 42 where an operation names none" },
    { .name = NULL },
};

const struct flag_group flags_limits = { "Limits", limits };

static const struct flag process[] = {
    { .name = "log-json", .kind = FLAG_SWITCH, .at = AT(serve.log_json),
      .help = "each line of the log is a JSON object" },
    { .name = "no-sandbox", .kind = FLAG_SWITCH, .at = AT(serve.no_sandbox),
      .help = "run without Landlock and seccomp" },
    { .name = "require-sandbox", .kind = FLAG_SWITCH,
      .at = AT(serve.require_sandbox),
      .help = "refuse to run where the kernel has neither" },
    { .name = "build-info", .kind = FLAG_SWITCH, .at = AT(serve.build_info) },
    { .name = NULL },
};

const struct flag_group flags_process = { "Process", process };
