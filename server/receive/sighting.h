/* server/receive/sighting.h: from which address each host sends, while a monitor's message
 * wants to know ({{host.ip}}).
 *
 *   worker   datagram ── "host:NAME" of its lines ──► open page ──► box ── each second ──► desk
 *
 * The box holds one page, which goes from thread to thread by an exchange of a pointer, as in
 * sender_tally.h: neither side waits, and whoever takes it owns it. While nobody wants to know
 * there is no page, and the worker looks at nothing: whoever does wants senders too (sender.h).
 *
 * To ask the kernel for each address and to look for the tag is dear where a worker is full. So
 * behind the first SIGHTING_EXACT datagrams of a second it looks at one batch of
 * SIGHTING_SHARE: a host that goes on sending is seen all the same, one of a datagram a second
 * within half a minute or so. A host that is never seen has no address: its name is resolved by
 * nobody, for what a name server says need not be where the samples came from, and may take for
 * ever to say. */
#ifndef SERVER_RECEIVE_SIGHTING_H
#define SERVER_RECEIVE_SIGHTING_H

#include "protocol/slice.h"
#include "server/receive/sender.h"

/* Of one page; hosts that have no room in it are seen again in the next one. */
enum {
    SIGHTING_HOSTS = 4096,
    SIGHTING_HOST_MAX = 255,
    SIGHTING_TEXT_BYTES = 32 * SIGHTING_HOSTS,
};

struct sighting {
    struct sender sender; /* without port and process: a machine */
    uint32_t at;          /* of its name in the texts */
    uint32_t len;
};

/* Each host once, where it was seen last. */
struct sighting_page {
    int64_t from_ns;
    uint32_t n, used, last; /* last: that was noted, from 1; 0: none */
    uint16_t slots[2 * SIGHTING_HOSTS];
    struct sighting at[SIGHTING_HOSTS];
    char texts[SIGHTING_TEXT_BYTES];
};

static inline struct slice sighting_host(const struct sighting_page *page,
                                         const struct sighting *sighting)
{
    return (struct slice){ page->texts + sighting->at, sighting->len };
}

/* The host that a line names, by its tags or, of a check, by its field h:, which goes before
 * them; events name none. Views; empty: there is none. */
struct slice sighting_host_of_line(struct slice line);
struct slice sighting_host_of_tags(struct slice section);

/* One a worker; on a line of its own. */
struct sighting_box {
    _Alignas(OWN_LINE) _Atomic(bool) wanted; /* written by the desk; relaxed, a wish */
    _Atomic(struct sighting_page *) full;    /* NULL: it was taken */
};

/* What was seen since the last time, owned (free()); NULL: nothing is there yet. */
struct sighting_page *sighting_box_take(struct sighting_box *box);

/* ---- the worker -------------------------------------------------------- */

enum { SIGHTING_EXACT = 4096, SIGHTING_SHARE = 32 };

struct sighter {
    struct sighting_box *box;   /* NULL: nobody will look */
    struct sighting_page *open; /* owned; NULL: nobody looks, or there is no memory */
    bool looks;                 /* at this batch */
    int64_t second_ns;          /* when this second began, and in it: */
    uint32_t datagrams;         /* that were looked at */
    uint32_t batches;           /* behind the exact ones */
};

/* To be called before a batch is received. Whether its addresses are to be asked for. */
bool sighter_looks(struct sighter *sighter);

/* To be called before a batch is looked at. Whether it is to be. */
bool sighter_begin(struct sighter *sighter, int64_t now_ns);

/* All hosts that the datagram names, by its lines; events name none. */
void sighter_see(struct sighter *sighter, const struct sender *from, struct slice datagram);

/* Gives away what was seen, if it is time. To be called behind a batch, and from time to time
 * when none comes. */
void sighter_end(struct sighter *sighter, int64_t now_ns);

/* Frees what it has, and what is in the box. It may begin again. */
void sighter_free(struct sighter *given);

#endif
