/* server/http/http_ledger.h: what HTTP did not answer as it was asked, by reason. */
#ifndef SERVER_HTTP_HTTP_LEDGER_H
#define SERVER_HTTP_HTTP_LEDGER_H

#include "flush/parcels/ledger.h"
#include "server/pictures/painter.h"

/* X(id, word) */
#define HTTP_REFUSALS(X)                                               \
    X(BUSY, "busy")       /* too many asked at the same time */        \
    X(FOREIGN, "foreign") /* a page of another origin, another Host */ \
    X(KEY, "key")         /* none, or a wrong one */                   \
    X(LARGE, "too_large") /* its line, headers or body */              \
    X(SLOW, "too_slow")   /* it did not come in time */                \
    X(INVALID, "invalid") /* it is no request, or none that is understood */

#define HTTP_REFUSAL_ENUM(id, word) HTTP_REFUSAL_##id,
enum http_refusal { HTTP_REFUSALS(HTTP_REFUSAL_ENUM) HTTP_REFUSAL_COUNT };

/* Static. */
static inline const char *http_refusal_word(enum http_refusal refusal)
{
#define HTTP_REFUSAL_WORD(id, word) [HTTP_REFUSAL_##id] = (word),
    static const char *const words[HTTP_REFUSAL_COUNT] = { HTTP_REFUSALS(HTTP_REFUSAL_WORD) };

    return words[refusal];
}

/* Static. */
static inline const char *http_picture_word(enum painter_result result)
{
#define HTTP_PICTURE_WORD(id, word) [PAINTER_##id] = (word),
    static const char *const words[PAINTER_RESULT_COUNT] = { PAINTER_RESULTS(
        HTTP_PICTURE_WORD) };

    return words[result];
}

/* Main writes the first, the desk the others. */
struct http_ledger {
    struct counter refused[HTTP_REFUSAL_COUNT];
    struct counter items_lost; /* of streams whose reader was too slow */
    struct counter pictures[PAINTER_RESULT_COUNT];
};

#endif
