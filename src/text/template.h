/* The template language of chat templates: Jinja as transformers sets it up
 * (ImmutableSandboxedEnvironment, trim_blocks, lstrip_blocks, loop controls,
 * generation blocks, its tojson), compiled once, run within budgets so that no
 * template can hang the process or exhaust its memory.
 *
 * A compiled template is immutable; several threads may render with it. */
#ifndef OSMIA_TEXT_TEMPLATE_H
#define OSMIA_TEXT_TEMPLATE_H

#include "base/err.h"
#include "base/json.h"
#include "base/strbuf.h"

struct template;

/* Compile.  Errors point at line and column.  `source` is copied. */
enum err template_compile(struct template **out, struct slice source,
                          struct err_info *why);
void     template_close(struct template *t);

/* A variable of the rendering: a JSON value. value == NULL: none (null). */
struct template_var {
    const char        *name;
    const struct json *value;
};

/* Render with variables (later ones win over earlier ones of the same name).
 * ERR_REQUEST: raise_exception, or an error of the template at run time, with
 * its message, line and column; ERR_LIMIT: a budget was used up. */
enum err template_render(const struct template *t,
                         const struct template_var *vars, size_t n_vars,
                         struct strbuf *out, struct err_info *why);

#endif
