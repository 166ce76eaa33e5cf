#include "serve/reply_head.h"

#include <time.h>

static const struct { int status; const char *text; } phrases[] = {
    { 200, "OK" }, { 202, "Accepted" }, { 204, "No Content" },
    { 400, "Bad Request" }, { 401, "Unauthorized" }, { 403, "Forbidden" },
    { 404, "Not Found" }, { 405, "Method Not Allowed" },
    { 408, "Request Timeout" }, { 409, "Conflict" }, { 410, "Gone" },
    { 413, "Content Too Large" }, { 414, "URI Too Long" },
    { 415, "Unsupported Media Type" }, { 417, "Expectation Failed" },
    { 422, "Unprocessable Content" }, { 429, "Too Many Requests" },
    { 431, "Request Header Fields Too Large" },
    { 500, "Internal Server Error" }, { 501, "Not Implemented" },
    { 503, "Service Unavailable" }, { 505, "HTTP Version Not Supported" },
};

static const char *phrase(int status)
{
    for (size_t i = 0; i < sizeof phrases / sizeof *phrases; i++)
        if (phrases[i].status == status)
            return phrases[i].text;
    return "Status";
}

void reply_put_status(struct strbuf *out, int status)
{
    static const char days[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    time_t now = time(NULL);
    struct tm t;

    gmtime_r(&now, &t);
    /* Not strftime: the names of days would follow the locale. */
    strbuf_printf(out, "HTTP/1.1 %d %s\r\n"
                  "Date: %.3s, %02d %.3s %d %02d:%02d:%02d GMT\r\n", status,
                  phrase(status), days + 3 * t.tm_wday, t.tm_mday,
                  months + 3 * t.tm_mon, t.tm_year + 1900, t.tm_hour, t.tm_min,
                  t.tm_sec);
}
