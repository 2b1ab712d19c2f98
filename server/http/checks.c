#include "server/http/checks.h"

#include <stdatomic.h>
#include <stdlib.h>

struct checks {
    /* The desk's. */
    struct bytes whole;
    int64_t heard_ms, heard_s;

    /* Given by the desk with release, taken by main with acquire. */
    _Atomic(struct checks_brief *) fresh;

    struct checks_brief *told; /* main's */
};

const char *checks_state_word(enum checks_state state)
{
#define STATE_WORD(id, word, fails) [id] = word,
    static const char *const words[CHECKS_STATE_COUNT] = { CHECKS_STATES(STATE_WORD) };
#undef STATE_WORD

    return words[state];
}

void checks_brief_free(struct checks_brief *given)
{
    if (given == NULL)
        return;
    bytes_free(&given->report);
    free(given);
}

struct checks *checks_new(void)
{
    return calloc(1, sizeof(struct checks));
}

void checks_free(struct checks *given)
{
    if (given == NULL)
        return;
    checks_brief_free(atomic_load(&given->fresh));
    checks_brief_free(given->told);
    bytes_free(&given->whole);
    free(given);
}

static void write_report(struct json_out *out, int64_t heard_ms, int64_t heard_s,
                         const struct bytes *report, int64_t now_ms)
{
    json_out_signed(out, "heard_s", heard_s);
    json_out_signed(out, "silent_ms", now_ms > heard_ms ? now_ms - heard_ms : 0);
    json_out_raw(out, "last", bytes_view(report));
}

/* ---- the desk ---------------------------------------------------------- */

void checks_tell(struct checks *checks, struct checks_brief *given_brief,
                 struct bytes *given_whole)
{
    bytes_free(&checks->whole);
    checks->whole = *given_whole;
    *given_whole = (struct bytes){ 0 };
    checks->heard_ms = given_brief->heard_ms;
    checks->heard_s = given_brief->heard_s;
    /* One that main has not taken is old by now. */
    checks_brief_free(
        atomic_exchange_explicit(&checks->fresh, given_brief, memory_order_acq_rel));
}

void checks_write_whole(struct json_out *out, const struct checks *checks, int64_t now_ms)
{
    json_out_begin(out, NULL, '{');
    if (checks->whole.len > 0) {
        write_report(out, checks->heard_ms, checks->heard_s, &checks->whole, now_ms);
    } else {
        json_out_null(out, "heard_s");
        json_out_null(out, "silent_ms");
        json_out_null(out, "last");
    }
    json_out_end(out, '}');
}

/* ---- main -------------------------------------------------------------- */

const struct checks_brief *checks_told(struct checks *checks)
{
    struct checks_brief *fresh =
        checks != NULL ? atomic_exchange_explicit(&checks->fresh, NULL, memory_order_acquire)
                       : NULL;

    if (fresh != NULL) {
        checks_brief_free(checks->told);
        checks->told = fresh;
    }
    return checks != NULL ? checks->told : NULL;
}

void checks_write(struct json_out *out, const char *name, struct checks *checks, int64_t now_ms)
{
    const struct checks_brief *told = checks_told(checks);

    if (told == NULL) {
        json_out_null(out, name);
        return;
    }
    json_out_begin(out, name, '{');
    write_report(out, told->heard_ms, told->heard_s, &told->report, now_ms);
    json_out_end(out, '}');
}
