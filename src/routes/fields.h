/* A request's body, read by a table of its fields.
 *
 * A row is a member's name, a function that reads its kind of value, where the
 * value goes in the route's own struct, and what it may be.  Every field that
 * is wrong is told, in the words of the worker contract; null is as good as
 * nothing; members that no table knows are noted for `x-ignored-fields`. */
#ifndef OSMIA_ROUTES_FIELDS_H
#define OSMIA_ROUTES_FIELDS_H

#include "base/arena.h"
#include "base/json.h"
#include "engine/sampling.h"

enum { FAULTS_MAX = 16, FAULT_FIELD = 64, FAULT_TEXT = 200 };

/* A field that is wrong. */
struct fault {
    char   field[FAULT_FIELD];           /* its path: "messages[2].role" */
    char   constraint[48];               /* "range(1..=2048)", "non_empty" */
    char   message[FAULT_TEXT];
    bool   has_value;                    /* a number that may be shown: */
    double value;
};

struct reading {
    void                  *form;         /* what rows' offsets are in */
    struct sampling_given *sampling;     /* where sampling fields go */
    struct arena          *arena;
    size_t                 n_ids;        /* token ids are below this */
    struct fault           fault[FAULTS_MAX];
    size_t                 n_faults;     /* more than FAULTS_MAX are not kept */
    char                   ignored[512]; /* "foo, bar"; cut between names */
    bool                   no_memory;
};

struct field;
/* Read v (not null) into the form, or note a fault. */
typedef void field_reader(struct reading *r, const struct field *f,
                          const struct json *v);

struct field {
    const char   *name;
    field_reader *read;
    size_t        at;             /* AT(member) of the form */
    double        least, most;    /* of numbers; of the length of texts; of the
                                     number of elements */
    bool          required;
};

/* A table; one route may have several. */
struct fields {
    const struct field *at;
    size_t              n;
};
#define FIELDS(table) { table, sizeof table / sizeof *table }

/* Read all members of an object.  ERR_REQUEST: there are faults; ERR_NOMEM. */
enum err fields_read(struct reading *r, const struct fields *tables,
                     size_t n_tables, const struct json *object,
                     struct err_info *why);

/* ---- readers ---- */

field_reader field_bool;      /* bool */
field_reader field_u32;       /* uint32_t, least .. most */
field_reader field_u64;       /* struct given_u64: any */
field_reader field_text;      /* struct slice of least .. most bytes */
field_reader field_json;      /* const struct json *, read by the route */
field_reader field_texts;     /* struct texts: one string or an array of up to
                                 `most`, each of 1 .. FIELD_STOP_LEN bytes */
field_reader field_ignored;   /* known, honoured by doing nothing */
field_reader field_neutral;   /* not offered: what asks for nothing is taken
                                 (false, 0, "", [], {}), the rest is a fault */
field_reader field_sample_f32, field_sample_u32;   /* `at` is an enum
                                                      sampling_field */

enum { FIELD_STOP_LEN = 256 };

struct given_u64 {
    bool     given;
    uint64_t value;
};

struct texts {
    struct slice *at;
    size_t        n;
};

/* ---- for readers of a route's own ---- */

/* Note that `field` (a path) is wrong. */
void fault_add(struct reading *r, const char *field, const char *constraint,
               const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* The last fault is about this number. */
void fault_value(struct reading *r, double value);

/* The member of the form a row is about. */
static inline void *field_at(const struct reading *r, const struct field *f)
{
    return (char *)r->form + f->at;
}

#endif
