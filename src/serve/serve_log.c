#include "serve/serve_log.h"
#include "base/json.h"
#include "base/sentence.h"
#include "serve/stamp.h"

#include <stdarg.h>
#include <unistd.h>

static const char *const level_names[] = { "info", "warn", "error" };

/* One write, so that lines of several threads do not mix.  What a full pipe
 * does not take is lost: a log must not stop the server. */
static void write_line(const struct serve_log *log, struct strbuf *line)
{
    strbuf_putc(line, '\n');
    if (!line->failed) {
        ssize_t written = write(log->fd, line->at, line->len);
        (void)written;
    }
    strbuf_drop(line);
}

static void begin(const struct serve_log *log, struct strbuf *line,
                  enum log_level level, const char *action)
{
    char now[STAMP_SIZE];

    stamp_now(now);
    if (!log->json) {
        strbuf_printf(line, "%s %-5s ", now, level_names[level]);
        return;
    }
    strbuf_printf(line, "{\"timestamp\":\"%s\",\"level\":\"%s\",\"actor\":"
                  "\"\U0001F41D %s\",\"action\":\"%s\"", now,
                  level_names[level],
                  slice_is(slice_of(action), "execute_request")
                      ? "http-server" : "llm-worker-rbee", action);
    if (log->worker_id == NULL)
        return;
    strbuf_puts(line, ",\"worker_id\":");
    json_put_string(line, slice_of(log->worker_id));
}

void log_event(const struct serve_log *log, enum log_level level,
               const char *action, const char *fmt, ...)
{
    char sentence[1024];
    struct strbuf line = { 0 };
    va_list args;

    if (log->fd < 0)
        return;
    va_start(args, fmt);
    size_t len = sentence_format(sentence, sizeof sentence, fmt, args);
    va_end(args);
    begin(log, &line, level, action);
    if (log->json) {
        strbuf_puts(&line, ",\"human\":");
        json_put_string(&line, (struct slice){ sentence, len });
        strbuf_putc(&line, '}');
    } else {
        strbuf_printf(&line, "%s: %.*s", action, (int)len, sentence);
    }
    write_line(log, &line);
}

static void put_target(struct strbuf *line, const struct log_access *a)
{
    enum { SHOWN = 200 };

    strbuf_put_visible(line, a->method);
    strbuf_putc(line, ' ');
    strbuf_put_visible(line, (struct slice){
        a->path.at, a->path.len < SHOWN ? a->path.len : SHOWN });
}

void log_request(const struct serve_log *log, const struct log_access *a)
{
    struct strbuf line = { 0 }, target = { 0 };

    if (log->fd < 0)
        return;
    begin(log, &line, LOG_LEVEL_INFO, "execute_request");
    put_target(&target, a);
    if (log->json) {
        strbuf_puts(&line, ",\"target\":");
        json_put_string(&line, strbuf_slice(&target));
        strbuf_printf(&line, ",\"correlation_id\":\"%s\",\"status\":%d,"
                      "\"duration_ms\":%.1f,\"bytes\":%zu}", a->id, a->status,
                      a->ms, a->n_bytes);
    } else {
        strbuf_put(&line, strbuf_slice(&target));
        strbuf_printf(&line, " %d %zu bytes %.1f ms %s", a->status,
                      a->n_bytes, a->ms, a->id);
    }
    strbuf_drop(&target);
    write_line(log, &line);
}
