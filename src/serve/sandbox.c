#include "serve/sandbox.h"
#include "base/build.h"

#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

const char *sandbox_name(const struct sandbox *s)
{
    if (s == NULL || (!s->files && !s->calls))
        return "none";
    return s->files && s->calls ? "full" : "partial";
}

void sandbox_allow_url(struct sandbox *s, const char *url)
{
    unsigned long port = strncmp(url, "https:", 6) == 0 ? 443 : 80;
    const char *host = strstr(url, "://");

    if (host == NULL || s->n_ports == SANDBOX_PORTS)
        return;
    host += 3;
    size_t len = strcspn(host, "/?#");
    /* The last colon, unless it stands within an address of version 6. */
    for (size_t i = len; i > 0 && host[i - 1] != ']'; i--) {
        if (host[i - 1] == ':') {
            port = strtoul(host + i, NULL, 10);
            break;
        }
    }
    s->ports[s->n_ports++] = (uint16_t)port;
}

void sandbox_no_cores(void)
{
    struct rlimit none = { 0, 0 };

    if (build_is_sanitized())
        return;
    setrlimit(RLIMIT_CORE, &none);
    /* A limit does not stop cores that are piped to a program; this does. */
    prctl(PR_SET_DUMPABLE, 0);
}
