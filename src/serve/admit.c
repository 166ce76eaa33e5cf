/* Between the connection and the route: who may come in.
 *
 * The order of the questions is part of the contract.  Foreign pages are
 * turned away before they learn which paths there are; 404 and 405 come before
 * 401, for paths are no secret and a wrong one is the commoner mistake; who
 * has no token learns nothing of the worker's state; and a body is not waited
 * for when it will not be read. */
#include "serve/call_own.h"
#include "serve/health.h"
#include "serve/origin.h"

#include <string.h>

/* ---- before the body ---- */

/* What stands for {} as its client meant it. */
static bool decode_part(struct call *c)
{
    char *text = arena_take(&c->arena, c->part.len + 1, 1);

    if (text == NULL) {
        call_refuse(c, REFUSE_INSUFFICIENT_RESOURCES, NULL, "out of memory");
        return false;
    }
    c->part = (struct slice){ text, router_decode(c->part, text) };
    return true;
}

static bool find_route(struct call *c)
{
    bool known;
    struct strbuf methods = { 0 };

    c->route = router_find(c->server->routes, c->head->method, c->head->path,
                           &c->part, &known);
    if (c->route != NULL)
        return decode_part(c);
    if (!known) {
        call_refuse(c, REFUSE_NOT_FOUND, NULL, "there is no such path");
        return false;
    }
    router_put_methods(&methods, c->server->routes, c->head->path);
    const char *allowed = strbuf_cstr(&methods);
    call_header(c, "Allow", allowed != NULL ? allowed : "");
    call_refuse(c, REFUSE_METHOD_NOT_ALLOWED, NULL,
                "this path does not take this method");
    strbuf_drop(&methods);
    return false;
}

static bool check_origin(struct call *c)
{
    struct origins origins = { c->server->is_open_to_all, c->server->opt.origins,
                               c->server->opt.n_origins };

    if (!origin_admits(&origins, c->head)) {
        call_refuse(c, REFUSE_FORBIDDEN, NULL, "without an API token only "
                    "pages and names of this machine are answered");
        return false;
    }
    if (origin_asks_first(&origins, c->head)) {
        call_reply(c, 204, NULL, NULL);
        return false;
    }
    return true;
}

/* Byte for byte what clients of this contract compare with, on every route. */
static const char *const denials[] = {
    [AUTH_MISSING] = "{\"error\":{\"code\":\"MISSING_API_KEY\","
                     "\"message\":\"Missing API key\"}}",
    [AUTH_WRONG]   = "{\"error\":{\"code\":\"INVALID_API_KEY\","
                     "\"message\":\"Invalid or missing API key\"}}",
};

static bool check_token(struct call *c)
{
    struct strbuf body = { 0 };
    enum auth_verdict v = auth_check(c->server->opt.auth,
                                     head_field(c->head, "authorization"),
                                     &c->principal);

    if (c->route->auth == ROUTE_OPEN || v == AUTH_GRANTED)
        return true;
    strbuf_puts(&body, denials[v]);
    call_header(c, "WWW-Authenticate", "Bearer");
    call_reply_json(c, 401, &body);
    strbuf_drop(&body);
    return false;
}

/* Is the worker in a state to answer this route? */
static bool check_state(struct call *c)
{
    enum serve_state state = c->server->state;

    if (c->route->when == ROUTE_ALWAYS)
        return true;
    if (state == SERVE_LOADING) {
        call_refuse(c, REFUSE_WORKER_LOADING, NULL,
                    "the model is still being loaded");
        return false;
    }
    if (state == SERVE_FAILED) {
        call_refuse(c, REFUSE_WORKER_UNHEALTHY, NULL,
                    "the model could not be loaded");
        return false;
    }
    if (c->route->when != ROUTE_WORK)
        return true;
    const char *fault = state == SERVE_DRAINING
        ? "the worker is shutting down" : health_engine_fault(c->server);
    if (fault != NULL)
        call_refuse(c, REFUSE_WORKER_UNHEALTHY, NULL, "%s", fault);
    return fault == NULL;
}

static bool is_json_type(struct slice type)
{
    size_t end = slice_find(type, SLICE(";"), 0);

    type.len = end;
    while (type.len > 0 && (type.at[type.len - 1] == ' '
                            || type.at[type.len - 1] == '\t'))
        type.len--;
    return head_same(type, SLICE("application/json"));
}

static bool check_body(struct call *c)
{
    const struct http_head *h = c->head;
    bool has_body = h->chunked || h->length > 0;

    if (h->length > c->server->opt.max_body) {
        call_refuse(c, REFUSE_PAYLOAD_TOO_LARGE, NULL,
                    "the body is larger than %zu bytes",
                    c->server->opt.max_body);
        return false;
    }
    if (c->route->body == ROUTE_NO_BODY
        || (c->route->body == ROUTE_MAYBE_JSON && !has_body))
        return true;
    struct slice coding = head_field(h, "content-encoding");
    bool is_plain = coding.len == 0 || head_same(coding, SLICE("identity"));
    if (is_plain && is_json_type(head_field(h, "content-type")))
        return true;
    call_refuse(c, REFUSE_UNSUPPORTED_MEDIA_TYPE, NULL, is_plain
                ? "the body must be application/json"
                : "the body must not be compressed");
    return false;
}

bool call_admit(struct call *c)
{
    return check_origin(c) && find_route(c) && check_token(c)
        && check_state(c) && check_body(c);
}

/* ---- with the body ---- */

/* The parser's sentence points at line and column.  For a key that stands twice
 * it shows the key, too; but what clients wrote is not to be echoed. */
static void refuse_json(struct call *c, struct err_info *why)
{
    char *key = strstr(why->text, "the key \"");

    if (why->code == ERR_NOMEM) {
        call_refuse_why(c, NULL, why);
        return;
    }
    if (key != NULL)
        *key = '\0';
    call_refuse(c, REFUSE_INVALID_REQUEST, NULL, "the body is no JSON that "
                "can be taken: %.300s%s", why->text,
                key != NULL ? "a key stands twice in one object" : "");
}

static bool parse_body(struct call *c)
{
    struct json *root = NULL;
    struct err_info why = { .code = ERR_OK };

    if (c->body_bytes.failed) {
        fail_nomem(&why);
        call_refuse_why(c, NULL, &why);
        return false;
    }
    c->body = strbuf_slice(&c->body_bytes);
    if (c->route->body == ROUTE_NO_BODY
        || (c->route->body == ROUTE_MAYBE_JSON && c->body.len == 0))
        return true;
    if (json_parse(&root, &c->arena, c->body, JSON_DEPTH, &why) != ERR_OK) {
        refuse_json(c, &why);
        return false;
    }
    if (root->kind != JSON_OBJECT) {
        call_refuse(c, REFUSE_INVALID_REQUEST, NULL,
                    "the body must be a JSON object");
        return false;
    }
    c->json = root;
    return true;
}

void call_dispatch(struct call *c)
{
    if (parse_body(c))
        c->route->handle(c);
}
