/* Sessions, schedulers and services over an opened engine. */
#include "engine/generate.h"
#include "engine/service.h"
#include "engine/session.h"

enum err session_open(struct session **out, struct engine *e,
                      uint32_t declared_len, struct err_info *why)
{
    struct session_parts parts = { .runner = engine_runner(e) };
    parts.never = engine_never(e, &parts.n_never);
    return session_open_on(out, &parts, declared_len, why);
}

static struct sched_parts sched_parts(struct engine *e)
{
    struct sched_parts parts = { .runner = engine_runner(e),
                                 .tok = engine_tokenizer(e) };
    parts.never = engine_never(e, &parts.n_never);
    parts.eos = tok_eos(parts.tok, &parts.n_eos);
    return parts;
}

enum err engine_sched(struct sched **out, struct engine *e,
                      const struct sched_options *o, struct err_info *why)
{
    struct sched_parts parts = sched_parts(e);
    return sched_open(out, &parts, o, why);
}

enum err engine_service(struct service **out, struct engine *e,
                        const struct service_options *o, struct err_info *why)
{
    struct sched_parts parts = sched_parts(e);
    return service_open(out, &parts, o, why);
}
