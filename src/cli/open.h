/* Opening a model for a verb, as its flags say. */
#ifndef OSMIA_CLI_OPEN_H
#define OSMIA_CLI_OPEN_H

#include "base/file.h"
#include "cli/console.h"
#include "engine/engine.h"

#include <stdio.h>

/* Open o->model.  n_seqs: sequences held at once (run --jsonl), else 1. */
enum err open_engine(struct engine **out, struct console *c,
                     const struct options *o, enum engine_depth depth,
                     size_t n_seqs, struct err_info *why);

/* The same with a pool of the caller's, who closes it after the engine. */
struct open_needs {
    enum engine_depth depth;
    size_t            n_seqs;
    struct pool      *pool;       /* NULL: the engine makes one */
};
enum err open_engine_on(struct engine **out, struct console *c,
                        const struct options *o,
                        const struct open_needs *needs, struct err_info *why);

/* Map the flags that engine_options has room for (also for `inspect`). */
enum err open_options(struct engine_options *e, struct console *c,
                      const struct options *o, struct err_info *why);

/* Values of --kv and --weights. */
flag_check open_check_kv, open_check_weights;

/* OSMIA_CACHE_MB in bytes; 0: not given.  ERR_REQUEST: not a number. */
enum err open_cache_size(uint64_t *size, struct err_info *why);

/* Name the files that an engine has mapped to the guard over mapped files: one
 * that shrinks ends us with a sentence. */
void open_watch(const struct engine *e);

/* All of a stream, up to `limit` bytes (ERR_LIMIT). */
enum err read_stream(struct strbuf *out, FILE *from, size_t limit,
                     struct err_info *why);

/* Is stdin a pipe, file or socket, so that text may come from it?  (A terminal
 * is not, and neither is /dev/null.) */
bool stdin_has_text(void);

/* The words of the command line behind MODEL, joined by single spaces. */
void words_join(struct strbuf *out, const struct options *o);

#endif
