/* The routes that turn text into ids, ids into text, messages into a prompt:
 * all of them read a form, work away from the loop, and reply once. */
#ifndef OSMIA_ROUTES_TEXT_CALL_H
#define OSMIA_ROUTES_TEXT_CALL_H

#include "routes/fields.h"
#include "serve/call.h"
#include "serve/server.h"

/* What such a route is made of: its tables, and what it does with the form. */
struct text_route {
    const struct fields *tables;
    size_t               n_tables;
    size_t               form_size;
    const void          *defaults;       /* of the form; NULL: zeros */
    /* Append the reply to `out`; on any thread. */
    enum err           (*make)(struct strbuf *out, const struct engine *e,
                               const void *form, struct arena *arena,
                               struct err_info *why);
};

void text_call(struct call *c, const struct text_route *route);

#endif
