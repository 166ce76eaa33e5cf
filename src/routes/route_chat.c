/* POST /v1/chat/completions, as OpenAI's clients send it. */
#include "routes/openai_answer.h"
#include "routes/route_table.h"

static void handle(struct call *c)
{
    openai_answer(c, OPENAI_CHAT);
}

const struct route route_chat = {
    .method = "POST", .paths = { "/v1/chat/completions" }, .auth = ROUTE_TOKEN,
    .when = ROUTE_WORK, .body = ROUTE_JSON, .errors = ROUTE_OPENAI,
    .handle = handle,
};
