/* Ending a job by its id, for both ways of asking.  Idempotent until the record
 * expires: who asks twice, because the first answer was lost, must not be told
 * that there is no such job. */
#include "routes/cancel.h"

#include "serve/records.h"
#include "serve/server.h"

void cancel_job(struct call *c, struct slice id)
{
    struct record *r = record_find(server_records(c->server), id,
                                   c->principal);
    struct strbuf body = { 0 };

    if (r == NULL) {
        call_refuse(c, REFUSE_JOB_NOT_FOUND, NULL, "there is no such job");
        return;
    }
    if (r->state == RECORD_EXPIRED) {
        call_refuse(c, REFUSE_JOB_EXPIRED, NULL, "the job ended long ago");
        return;
    }
    record_cancel(r);
    strbuf_printf(&body, "{\"job_id\":\"%s\",\"status\":\"cancelling\"}",
                  r->id);
    call_reply_json(c, 202, &body);
    strbuf_drop(&body);
}
