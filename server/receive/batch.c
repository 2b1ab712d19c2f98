#include "server/receive/batch.h"

#include <errno.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>

#include "flush/memory/own_lines.h"
#include "flush/memory/pages.h"

/* COALESCED_BYTES: no buffer of the kernel's is longer, as no IP packet is. CACHED_BYTES: where
 * buffers are long, a receive asks for fewer of them, so that the same bytes of the processor's
 * second cache are filled, parsed and filled again. What is received passes through that cache
 * too, so these are well below the half of it: 1 MiB of a 2 MiB cache cost 8 % more a datagram,
 * a quarter and less of it the same. */
enum {
    COALESCED_BYTES = 64 * 1024,
    CACHED_BYTES = 256 * 1024,
    FEWEST_BUFFERS = CACHED_BYTES / COALESCED_BYTES
};

/* What the kernel says of a buffer: who sent it, or how long its datagrams are. A socket that
 * somebody else has made may be asked for more, such as times, so there is room to spare. */
union control {
    struct cmsghdr head; /* for its alignment */
    char bytes[128];
};

/* A datagram of the last receive. */
struct place {
    int buffer;
    size_t offset;
    size_t segment; /* bytes of each datagram of the buffer but the last; 0: it is but one */
};

struct batch {
    size_t longest;
    size_t buffer_size;
    bool coalesced;
    int asked, n;            /* buffers of the last receive: so many could come, and came */
    int shown;               /* the buffer of what batch_next() showed */
    struct place next;       /* what it will show */
    union control *controls; /* NULL: nothing is asked */
    union batch_address *addresses; /* the same */
    char *buffers;                  /* pages: only what datagrams touch costs memory */
    struct iovec parts[BATCH_BUFFERS];
    struct mmsghdr messages[BATCH_BUFFERS];
};

/* ---- begin and end ----------------------------------------------------- */

static struct batch *new_with(size_t longest, size_t buffer_size)
{
    struct batch *batch = own_lines(sizeof *batch);

    if (batch == NULL)
        return NULL;
    batch->longest = longest;
    batch->buffer_size = buffer_size;
    batch->asked = BATCH_BUFFERS;
    batch->buffers = pages_map(BATCH_BUFFERS * buffer_size);
    if (batch->buffers == NULL) {
        free(batch);
        return NULL;
    }
    for (size_t i = 0; i < BATCH_BUFFERS; i++) {
        batch->parts[i] = (struct iovec){ batch->buffers + i * buffer_size, buffer_size };
        batch->messages[i].msg_hdr =
            (struct msghdr){ .msg_iov = &batch->parts[i], .msg_iovlen = 1 };
    }
    return batch;
}

/* The kernel writes into these lengths how much it filled; they must say again how much room
 * there is. */
static void make_room(struct batch *batch, int n)
{
    for (int i = 0; i < n && batch->controls != NULL; i++) {
        batch->messages[i].msg_hdr.msg_control = &batch->controls[i];
        batch->messages[i].msg_hdr.msg_controllen = sizeof batch->controls[i];
    }
    for (int i = 0; i < n && batch->addresses != NULL; i++) {
        batch->messages[i].msg_hdr.msg_name = &batch->addresses[i];
        batch->messages[i].msg_hdr.msg_namelen = sizeof batch->addresses[i];
    }
}

static bool ask_controls(struct batch *batch)
{
    if (batch->controls == NULL)
        batch->controls = calloc(BATCH_BUFFERS, sizeof *batch->controls);
    make_room(batch, BATCH_BUFFERS);
    return batch->controls != NULL;
}

static bool ask_addresses(struct batch *batch)
{
    if (batch->addresses == NULL)
        batch->addresses = calloc(BATCH_BUFFERS, sizeof *batch->addresses);
    make_room(batch, BATCH_BUFFERS);
    return batch->addresses != NULL;
}

static void ask_no_controls(struct batch *batch)
{
    free(batch->controls);
    batch->controls = NULL;
    for (int i = 0; i < BATCH_BUFFERS; i++) {
        batch->messages[i].msg_hdr.msg_control = NULL;
        batch->messages[i].msg_hdr.msg_controllen = 0;
    }
}

static void ask_no_addresses(struct batch *batch)
{
    free(batch->addresses);
    batch->addresses = NULL;
    for (int i = 0; i < BATCH_BUFFERS; i++) {
        batch->messages[i].msg_hdr.msg_name = NULL;
        batch->messages[i].msg_hdr.msg_namelen = 0;
    }
}

struct batch *batch_new(size_t longest)
{
    return new_with(longest, longest);
}

struct batch *batch_new_coalesced(size_t longest)
{
    struct batch *batch = new_with(longest, COALESCED_BYTES);

    if (batch == NULL)
        return NULL;
    batch->coalesced = true;
    batch->asked = FEWEST_BUFFERS;
    if (ask_controls(batch))
        return batch;
    batch_free(batch);
    return NULL;
}

void batch_free(struct batch *given)
{
    if (given == NULL)
        return;
    pages_unmap(given->buffers, BATCH_BUFFERS * given->buffer_size);
    free(given->controls);
    free(given->addresses);
    free(given);
}

bool batch_ask(struct batch *batch, bool processes, bool addresses)
{
    bool controls = processes || batch->coalesced, done = true;

    if (controls == (batch->controls != NULL) && addresses == (batch->addresses != NULL))
        return true;
    batch->n = 0; /* nothing of the last receive is shown any more */
    if (controls)
        done = ask_controls(batch);
    else
        ask_no_controls(batch);
    if (addresses)
        return ask_addresses(batch) && done;
    ask_no_addresses(batch);
    return done;
}

bool batch_asks_addresses(const struct batch *batch)
{
    return batch->addresses != NULL;
}

/* ---- receiving --------------------------------------------------------- */

/* As many buffers as fill the cache, if they are as long as those of the last receive. */
static int how_many(const struct batch *batch)
{
    size_t bytes = 1;

    for (int i = 0; i < batch->n; i++)
        bytes += batch->messages[i].msg_len;
    size_t fit = (size_t)batch->n * CACHED_BYTES / bytes;
    return fit >= BATCH_BUFFERS    ? BATCH_BUFFERS
           : fit <= FEWEST_BUFFERS ? FEWEST_BUFFERS
                                   : (int)fit;
}

/* Makes ready what the last receive filled. */
static void begin(struct batch *batch)
{
    if (batch->controls != NULL || batch->addresses != NULL)
        make_room(batch, batch->n);
    if (batch->coalesced && batch->n > 0)
        batch->asked = how_many(batch);
    batch->next = (struct place){ 0 };
    batch->n = batch->shown = 0;
}

int batch_receive(struct batch *batch, int fd)
{
    int n;

    begin(batch);
    do
        n = recvmmsg(fd, batch->messages, (unsigned)batch->asked, MSG_DONTWAIT, NULL);
    while (n < 0 && errno == EINTR);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return 0;
    batch->n = n > 0 ? n : 0;
    return n;
}

bool batch_is_full(const struct batch *batch)
{
    return batch->n == batch->asked;
}

/* ---- datagrams --------------------------------------------------------- */

/* Fills *out with what the kernel says under that name. False: it says nothing. */
static bool find_control(const struct batch *batch, int buffer, int level, int type, void *out,
                         size_t size)
{
    struct msghdr *message = (struct msghdr *)&batch->messages[buffer].msg_hdr; /* only read */

    if (batch->controls == NULL)
        return false;
    for (struct cmsghdr *head = CMSG_FIRSTHDR(message); head != NULL;
         head = CMSG_NXTHDR(message, head)) {
        if (head->cmsg_level != level || head->cmsg_type != type ||
            head->cmsg_len < CMSG_LEN(size))
            continue;
        memcpy(out, CMSG_DATA(head), size);
        return true;
    }
    return false;
}

static size_t segment_of(const struct batch *batch, int buffer)
{
    int bytes;

    return find_control(batch, buffer, SOL_UDP, UDP_GRO, &bytes, sizeof bytes) && bytes > 0
               ? (size_t)bytes
               : 0;
}

/* Shows the datagram there, and moves on. Where the kernel had to cut a buffer, it cut the last
 * datagram in it. */
static bool show(const struct batch *batch, struct place *at, struct slice *datagram,
                 bool *truncated)
{
    if (at->buffer >= batch->n)
        return false;
    if (batch->coalesced && at->offset == 0)
        at->segment = segment_of(batch, at->buffer);
    const struct mmsghdr *message = &batch->messages[at->buffer];
    size_t len = message->msg_len - at->offset;
    bool last = at->segment == 0 || len <= at->segment;

    if (!last)
        len = at->segment;
    *truncated =
        (last && (message->msg_hdr.msg_flags & MSG_TRUNC) != 0) || len > batch->longest;
    *datagram = (struct slice){ (char *)batch->parts[at->buffer].iov_base + at->offset,
                                len < batch->longest ? len : batch->longest };
    at->buffer += last;
    at->offset = last ? 0 : at->offset + len;
    return true;
}

bool batch_next(struct batch *batch, struct slice *datagram, bool *truncated)
{
    batch->shown = batch->next.buffer;
    return show(batch, &batch->next, datagram, truncated);
}

/* Adds to the datagram those that stand behind it in its buffer, from `at` on, as far as they
 * may be long together. Where the kernel had to cut a buffer, they stay apart. */
static void join(const struct batch *batch, struct place *at, struct datagrams *datagrams)
{
    const struct mmsghdr *message = &batch->messages[at->buffer];
    size_t each = datagrams->each, behind = message->msg_len - at->offset;
    size_t most = batch->longest < SCAN_WINDOW ? batch->longest : SCAN_WINDOW;
    size_t fit = most / each;

    if (fit < 2 || (message->msg_hdr.msg_flags & MSG_TRUNC) != 0)
        return;
    size_t more = behind < (fit - 1) * each ? behind : (fit - 1) * each;
    datagrams->bytes.len += more;
    datagrams->n += (more + each - 1) / each;
    at->buffer += more == behind;
    at->offset = more == behind ? 0 : at->offset + more;
}

bool batch_next_many(struct batch *batch, struct datagrams *datagrams, bool *truncated)
{
    if (!batch_next(batch, &datagrams->bytes, truncated))
        return false;
    datagrams->each = datagrams->bytes.len;
    datagrams->n = 1;
    if (batch->next.offset > 0 && !*truncated)
        join(batch, &batch->next, datagrams);
    return true;
}

void batch_rewind(struct batch *batch)
{
    batch->next = (struct place){ 0 };
    batch->shown = 0;
}

bool batch_sender(const struct batch *batch, pid_t *pid)
{
    struct ucred sender = { .pid = 0 };
    bool found = batch->n > 0 && find_control(batch, batch->shown, SOL_SOCKET, SCM_CREDENTIALS,
                                              &sender, sizeof sender);

    *pid = sender.pid;
    return found;
}

const union batch_address *batch_address(const struct batch *batch)
{
    if (batch->addresses == NULL || batch->n == 0)
        return NULL;
    socklen_t len = batch->messages[batch->shown].msg_hdr.msg_namelen;
    const union batch_address *address = &batch->addresses[batch->shown];
    return (len >= sizeof address->v4 && address->any.sa_family == AF_INET) ||
                   (len >= sizeof address->v6 && address->any.sa_family == AF_INET6)
               ? address
               : NULL;
}

/* ---- sent on ----------------------------------------------------------- */

static int send_all(int fd, struct mmsghdr *messages, int n)
{
    int sent;

    do
        sent = sendmmsg(fd, messages, (unsigned)n, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent > 0 ? sent : 0;
}

int batch_forward(const struct batch *batch, int fd)
{
    struct iovec parts[BATCH_BUFFERS];
    struct mmsghdr messages[BATCH_BUFFERS];
    struct place at = { 0 };
    struct slice datagram;
    int sent = 0, n, took;
    bool truncated;

    do {
        for (n = 0; n < BATCH_BUFFERS && show(batch, &at, &datagram, &truncated); n++) {
            parts[n] = (struct iovec){ (char *)datagram.at, datagram.len };
            messages[n] = (struct mmsghdr){ { .msg_iov = &parts[n], .msg_iovlen = 1 }, 0 };
        }
        took = send_all(fd, messages, n);
        sent += took;
    } while (n == BATCH_BUFFERS && took == n);
    return sent;
}
