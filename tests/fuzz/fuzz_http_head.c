/* The head of a request: read at once and as it comes in, with the same end. */
#include "fuzz.h"

#include "serve/http_head.h"
#include <assert.h>

static void check_slices(const struct http_head *h, struct slice in)
{
    assert(h->size <= in.len && h->n_fields <= HEAD_FIELDS_MAX);
    /* The path of a target without one is a "/" of our own. */
    assert(slice_is(h->path, "/")
           || (h->path.at >= in.at
               && h->path.at + h->path.len <= in.at + h->size));
    for (size_t i = 0; i < h->n_fields; i++) {
        const struct http_field *f = &h->fields[i];
        assert(f->name.len > 0 && f->name.at >= in.at);
        assert(f->value.at + f->value.len <= in.at + h->size);
    }
    assert(!(h->chunked && h->has_length));
    assert(memchr(h->path.at, '\n', h->path.len) == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct http_head whole, slow;
    struct slice in = { (const char *)data, size };
    enum read_state a, b = READ_MORE;

    whole = slow = (struct http_head){ 0 };
    a = head_read(&whole, in);
    for (size_t n = 0; n < size && b == READ_MORE; n++)
        b = head_read(&slow, (struct slice){ in.at, n + 1 });
    /* A head that came early is over before the rest is seen. */
    assert(size == 0 || a == b);
    if (a == READ_DONE)
        check_slices(&whole, in);
    if (a == READ_BAD)
        assert(whole.status >= 400 && whole.fault != NULL);
    return 0;
}
