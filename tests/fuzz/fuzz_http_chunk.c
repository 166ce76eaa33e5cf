/* A chunked body: at once and byte by byte, with the same end. */
#include "fuzz.h"

#include "serve/http_chunk.h"
#include <assert.h>

enum { LIMIT = 1000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct chunk_reader whole = { .limit = LIMIT }, slow = { .limit = LIMIT };
    struct strbuf a = { 0 }, b = { 0 };
    struct slice in = { (const char *)data, size }, rest = in;
    enum read_state first = chunk_read(&whole, &rest, &a), second = READ_MORE;
    size_t used = 0;

    for (; used < size && second == READ_MORE; used++) {
        struct slice one = { in.at + used, 1 };
        second = chunk_read(&slow, &one, &b);
        assert(one.len == 0);
    }
    assert(first == second && whole.status == slow.status);
    assert(first == READ_MORE || used == size - rest.len);
    assert(a.len <= LIMIT && slice_eq(strbuf_slice(&a), strbuf_slice(&b)));
    strbuf_drop(&a);
    strbuf_drop(&b);
    return 0;
}
