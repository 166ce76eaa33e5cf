#include "serve/http_chunk.h"

/*   SIZE --;--> EXT --CR--> SIZE_LF --LF--> DATA --n bytes--> DATA_CR, DATA_LF
 *     ^                        |                                    |
 *     |                        | size 0                             |
 *     +------------------------|------------------------------------+
 *                              v
 *          OVER <--LF-- LAST_LF <--CR-- TRAILER_START --> TRAILER, TRAILER_LF
 *                                            ^                        |
 *                                            +------------------------+ */
enum chunk_state {
    CHUNK_SIZE, CHUNK_EXT, CHUNK_SIZE_LF, CHUNK_DATA, CHUNK_DATA_CR,
    CHUNK_DATA_LF, CHUNK_TRAILER_START, CHUNK_TRAILER, CHUNK_TRAILER_LF,
    CHUNK_LAST_LF, CHUNK_OVER
};

static enum read_state bad(struct chunk_reader *r, int status,
                           const char *fault)
{
    r->status = status;
    r->fault = fault;
    return READ_BAD;
}

static enum read_state malformed(struct chunk_reader *r)
{
    return bad(r, 400, "the chunked body is malformed");
}

static enum read_state go(struct chunk_reader *r, enum chunk_state state)
{
    r->state = (int)state;
    return state == CHUNK_OVER ? READ_DONE : READ_MORE;
}

static enum read_state take_size(struct chunk_reader *r, char c)
{
    int digit = hex_digit(c);

    if (digit >= 0) {
        /* Fifteen digits cannot overflow, and nobody sends that many. */
        if (++r->n_digits > 15)
            return malformed(r);
        r->left = 16 * r->left + (unsigned)digit;
        return READ_MORE;
    }
    if (r->n_digits == 0 || (c != '\r' && c != ';'))
        return malformed(r);
    return go(r, c == '\r' ? CHUNK_SIZE_LF : CHUNK_EXT);
}

/* The line of the size is over. */
static enum read_state begin_chunk(struct chunk_reader *r)
{
    if (r->left > r->limit - r->total)
        return bad(r, 413, "the body is too large");
    r->total += r->left;
    r->n_digits = 0;
    return go(r, r->left == 0 ? CHUNK_TRAILER_START : CHUNK_DATA);
}

/* Bytes that are counted and thrown away, up to the end of their line. */
static enum read_state take_extra(struct chunk_reader *r, char c,
                                  enum chunk_state behind)
{
    if (c == '\r')
        return go(r, behind);
    if (((unsigned char)c < ' ' && c != '\t') || c == 0x7f)
        return malformed(r);
    return ++r->n_extra > CHUNK_EXTRA_MAX
        ? bad(r, 431, "chunk extensions and trailers are too large")
        : READ_MORE;
}

static enum read_state take_end(struct chunk_reader *r, char c, char expected,
                                enum chunk_state behind)
{
    return c == expected ? go(r, behind) : malformed(r);
}

static enum read_state take_byte(struct chunk_reader *r, char c)
{
    switch ((enum chunk_state)r->state) {
    case CHUNK_SIZE:
        return take_size(r, c);
    case CHUNK_EXT:
        return take_extra(r, c, CHUNK_SIZE_LF);
    case CHUNK_SIZE_LF:
        return c == '\n' ? begin_chunk(r) : malformed(r);
    case CHUNK_DATA_CR:
        return take_end(r, c, '\r', CHUNK_DATA_LF);
    case CHUNK_DATA_LF:
        return take_end(r, c, '\n', CHUNK_SIZE);
    case CHUNK_TRAILER_START:
        if (c == '\r')
            return go(r, CHUNK_LAST_LF);
        return head_is_token_char(c) ? go(r, CHUNK_TRAILER) : malformed(r);
    case CHUNK_TRAILER:
        return take_extra(r, c, CHUNK_TRAILER_LF);
    case CHUNK_TRAILER_LF:
        return take_end(r, c, '\n', CHUNK_TRAILER_START);
    case CHUNK_LAST_LF:
        return take_end(r, c, '\n', CHUNK_OVER);
    case CHUNK_DATA:
    case CHUNK_OVER:
        break;
    }
    return malformed(r);
}

static void take_data(struct chunk_reader *r, struct slice *in,
                      struct strbuf *body)
{
    size_t n = r->left < in->len ? (size_t)r->left : in->len;

    strbuf_put(body, (struct slice){ in->at, n });
    *in = slice_from(*in, n);
    r->left -= n;
    if (r->left == 0)
        r->state = CHUNK_DATA_CR;
}

enum read_state chunk_read(struct chunk_reader *r, struct slice *in,
                           struct strbuf *body)
{
    enum read_state state = r->state == CHUNK_OVER ? READ_DONE : READ_MORE;

    while (in->len > 0 && state == READ_MORE) {
        if (r->state == CHUNK_DATA) {
            take_data(r, in, body);
            if (body->failed)
                return bad(r, 500, "out of memory");
        } else {
            state = take_byte(r, in->at[0]);
            *in = slice_from(*in, 1);
        }
    }
    return state;
}
