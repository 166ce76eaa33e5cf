/* The line protocol: one JSON value a line in, one line out, in order, flushed
 * at once.  A line that cannot be answered gives {"error": "..."} in its place
 * and the program goes on. */
#ifndef OSMIA_CLI_LINES_H
#define OSMIA_CLI_LINES_H

#include "base/arena.h"
#include "base/json.h"
#include "cli/console.h"

/* Append the answer to `in` (JSON, without a newline).  On an error what was
 * appended is thrown away and the sentence becomes the answer.  `arena` lives
 * as long as the line. */
typedef enum err line_answer(void *arg, const struct json *in,
                             struct arena *arena, struct strbuf *out,
                             struct err_info *why);

/* Answer every line of stdin; returns the exit status (1 when any line was
 * refused, 130 when interrupted). */
int lines_run(line_answer *answer, void *arg);

/* Read one line of any length without its newline; false at the end of input
 * or when interrupted (or out of memory: line->failed). */
bool line_read(struct strbuf *line);

/* {"error": "..."} */
void line_put_error(struct strbuf *out, const struct err_info *why);

/* Write the buffer and a newline to stdout and flush; false: stdout is gone. */
bool line_write(struct strbuf *out);

/* ---- members of request objects ---- */

/* The value's meaning or the given default when the member is absent; an error
 * naming the member when it has another type. */
enum err line_bool(bool *out, const struct json *object, const char *member,
                   bool otherwise, struct err_info *why);
/* Is the member there, and not null? */
bool line_has(const struct json *object, const char *member);
/* A whole number up to `most`; what is not there leaves *out as it is. */
enum err line_uint(uint64_t *out, const struct json *object, const char *member,
                   uint64_t most, struct err_info *why);
/* ids as int32 in [0, n_ids); each checked.  *ids is taken from the arena. */
enum err line_ids(int32_t **ids, size_t *n, const struct json *array,
                  size_t n_ids, struct arena *arena, struct err_info *why);
/* Refuse members that are not in `known` (ends with NULL), by name. */
enum err line_known(const struct json *object, const char *const *known,
                    struct err_info *why);

#endif
