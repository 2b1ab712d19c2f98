/* server/pictures/painter.h: heeler-chart, started for each picture and fed; and
 * heeler-calendar for each answer, which is a picture in what follows.
 *
 *   definition ──► pipe ──► heeler-chart ──► pipe ──► picture
 *                                └─ its standard error: a sentence
 *
 * Two at once; others wait in turn, but not for programs that do not end when killed. Nothing
 * here blocks: the event loop writes and reads as the pipes take and give. A program that takes
 * longer than it may is killed with all that it started, and so is one whose picture is too
 * large. It gets the three pipes and nothing else: no other descriptor, no environment; what
 * else it may do it gives up itself (config/limits.h).
 *
 * To start a program takes the disk that it is on, so the loop is not main's. All on the thread
 * of the loop. SIGPIPE is ignored. */
#ifndef SERVER_PICTURES_PAINTER_H
#define SERVER_PICTURES_PAINTER_H

#include <event2/event.h>
#include <stdint.h>

#include "config/must_check.h"
#include "flush/memory/bytes.h"
#include "protocol/slice.h"

enum {
    PAINTER_AT_ONCE = 2,
    PAINTER_WAITING_MAX = 16,
    PAINTER_TIMEOUT_MS = 5000,
    PAINTER_PATIENCE_MS = 2000,       /* until one that was killed has ended */
    PAINTER_DEFINITION_MAX = 2 << 20, /* that heeler-chart takes */
    PAINTER_PICTURE_MAX = 8 << 20
};

/* A program that is started for one answer: its name, which is its package's, too, and the
 * words of sentences. Static. */
struct painter_program {
    const char *name, *does, *setting;
    const char *makes;    /* "picture" */
    const char *begins;   /* how each of its answers begins */
    bool may_say_nothing; /* an empty answer is one */
};

extern const struct painter_program painter_chart, painter_calendar;

struct painter;
struct painting; /* one picture under way */

/* What became of it. X(id, word) */
#define PAINTER_RESULTS(X)                                                         \
    X(DONE, "drawn")                                                               \
    X(REFUSED, "refused") /* the program says what is wrong with the definition */ \
    X(BUSY, "busy")       /* so many wait already */                               \
    X(SLOW, "slow")       /* it was killed */                                      \
    X(FAILED, "failed")   /* it does not start, it crashed, there is no memory */

#define PAINTER_ENUM(id, word) PAINTER_##id,
enum painter_result { PAINTER_RESULTS(PAINTER_ENUM) PAINTER_RESULT_COUNT };
#undef PAINTER_ENUM

/* Called once. The picture is a view of bytes that may be taken: { 0 } then. sentence: a view;
 * empty when it is done. */
typedef void painter_tell(enum painter_result result, struct bytes *picture,
                          const char *sentence, void *argument);

/* path: of that program, copied; empty: beside the program that runs. NULL without memory. */
struct painter *painter_new(struct event_base *base, const struct painter_program *program,
                            const char *path, int64_t timeout_ms);

/* Kills those under way; nobody is told. The base is still there. NULL is fine. */
void painter_free(struct painter *given);

/* The definition is a view that is good until it is told; that may be before this returns. */
void painter_paint(struct painter *painter, struct slice definition, painter_tell *tell,
                   void *argument);

/* How many programs there are. */
int painter_running(const struct painter *painter);

#endif
