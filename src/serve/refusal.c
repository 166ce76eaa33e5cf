/* Refusals in their two shapes.  The worker contract's is flat and says whether
 * trying again helps; OpenAI's clients look for an object named "error" and
 * choose the exception to raise by the HTTP status, its text by "message". */
#include "serve/refusal.h"
#include "base/json.h"

struct row {
    int         status;
    bool        retriable;
    const char *code, *type;
};

static const struct row rows[] = {
#define X(id, status, retriable, type) { status, retriable, #id, type },
    REFUSAL_LIST(X)
#undef X
};

int refusal_status(enum refusal r)
{
    return rows[r].status;
}

const char *refusal_code(enum refusal r)
{
    return rows[r].code;
}

int refusal_retry_s(enum refusal r)
{
    return rows[r].status == 429 || rows[r].status == 503 ? 1 : 0;
}

enum refusal refusal_of(enum err e)
{
    switch (e) {
    case ERR_FORMAT: case ERR_UNKNOWN: case ERR_REQUEST: case ERR_LIMIT:
        return REFUSE_INVALID_REQUEST;
    case ERR_FULL:
        return REFUSE_QUEUE_FULL;
    case ERR_BUSY:
        return REFUSE_WORKER_UNHEALTHY;
    case ERR_NOMEM:
        return REFUSE_INSUFFICIENT_RESOURCES;
    default:
        return REFUSE_INTERNAL;
    }
}

enum refusal refusal_of_status(int status)
{
    switch (status) {
    case 408: return REFUSE_REQUEST_TIMEOUT;
    case 413: return REFUSE_PAYLOAD_TOO_LARGE;
    case 431: return REFUSE_HEADERS_TOO_LARGE;
    case 500: return REFUSE_INTERNAL;
    default:  return REFUSE_INVALID_REQUEST;
    }
}

static void put_text(struct strbuf *out, const char *key, const char *text)
{
    strbuf_printf(out, "\"%s\":", key);
    if (text == NULL)
        strbuf_puts(out, "null");
    else
        json_put_string(out, slice_of(text));
}

/* OpenAI's clients compare codes in lower case, and expect null where the type
 * says it all. */
static void put_openai_code(struct strbuf *out, enum refusal r)
{
    const char *code = r == REFUSE_INVALID_REQUEST ? NULL : rows[r].code;

    strbuf_puts(out, ",\"code\":");
    if (code == NULL) {
        strbuf_puts(out, "null");
        return;
    }
    strbuf_putc(out, '"');
    for (; *code != '\0'; code++)
        strbuf_putc(out, *code == '_' ? '_' : (char)(*code + ('a' - 'A')));
    strbuf_putc(out, '"');
}

void refusal_put(struct strbuf *out, enum refusal r, enum route_errors shape,
                 const char *param, const char *message)
{
    if (shape == ROUTE_OPENAI) {
        strbuf_puts(out, "{\"error\":{");
        put_text(out, "message", message);
        strbuf_putc(out, ',');
        put_text(out, "type", rows[r].type);
        strbuf_putc(out, ',');
        put_text(out, "param", param);
        put_openai_code(out, r);
        strbuf_puts(out, "}}");
        return;
    }
    strbuf_putc(out, '{');
    put_text(out, "code", rows[r].code);
    strbuf_putc(out, ',');
    put_text(out, "message", message);
    strbuf_printf(out, ",\"retriable\":%s}",
                  rows[r].retriable ? "true" : "false");
}
