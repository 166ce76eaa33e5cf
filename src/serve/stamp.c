/* Times and names.  Names are random and not counted: whoever gets one must not
 * be able to guess his neighbour's, for the name is all that a stream is asked
 * for by. */
#include "serve/stamp.h"
#include "base/clock.h"

#include <stdint.h>
#include <stdio.h>
#include <sys/random.h>
#include <time.h>

void stamp_now(char out[STAMP_SIZE])
{
    struct timespec now;
    struct tm utc;

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    size_t n = strftime(out, STAMP_SIZE, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(out + n, STAMP_SIZE - n, ".%03dZ",
             (int)(now.tv_nsec / 1000000) % 1000);
}

void stamp_uuid(char out[UUID_SIZE])
{
    uint8_t b[16] = { 0 };

    /* Sixteen bytes come whole or, before the pool of a freshly booted machine
     * is filled, after a wait; other failures do not exist on Linux. */
    if (getrandom(b, sizeof b, 0) != (ssize_t)sizeof b)
        memcpy(b, &(int64_t){ clock_ns() }, sizeof(int64_t));
    b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
    size_t n = 0;
    for (size_t i = 0; i < sizeof b; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            out[n++] = '-';
        out[n++] = "0123456789abcdef"[b[i] >> 4];
        out[n++] = "0123456789abcdef"[b[i] & 15];
    }
    out[n] = '\0';
}

void stamp_job(char out[JOB_ID_SIZE])
{
    char uuid[UUID_SIZE];

    stamp_uuid(uuid);
    snprintf(out, JOB_ID_SIZE, "job-%s", uuid);
}

bool stamp_is_id(struct slice s, size_t most)
{
    if (s.len == 0 || s.len > most)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.at[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
              || (c >= '0' && c <= '9') || c == '-' || c == '_'))
            return false;
    }
    return true;
}
