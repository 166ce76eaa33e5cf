/* POST /v1/completions: a text, or token ids, continued as they are. */
#include "routes/openai_answer.h"
#include "routes/route_table.h"

static void handle(struct call *c)
{
    openai_answer(c, OPENAI_TEXT);
}

const struct route route_completions = {
    .method = "POST", .paths = { "/v1/completions" }, .auth = ROUTE_TOKEN,
    .when = ROUTE_WORK, .body = ROUTE_JSON, .errors = ROUTE_OPENAI,
    .handle = handle,
};
