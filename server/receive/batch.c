#include "server/receive/batch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "flush/memory/pages.h"

/* What the kernel says about a sender. */
union sender {
    struct cmsghdr head; /* for its alignment */
    char bytes[CMSG_SPACE(sizeof(struct ucred))];
};

struct batch {
    size_t buffer_size;
    union sender *senders; /* NULL: not asked */
    char *buffers;         /* pages: only what datagrams touch costs memory */
    struct iovec parts[BATCH_DATAGRAMS];
    struct mmsghdr messages[BATCH_DATAGRAMS];
};

struct batch *batch_new(size_t buffer_size)
{
    struct batch *batch = calloc(1, sizeof *batch);

    if (batch == NULL)
        return NULL;
    batch->buffer_size = buffer_size;
    batch->buffers = pages_map(BATCH_DATAGRAMS * buffer_size);
    if (batch->buffers == NULL) {
        free(batch);
        return NULL;
    }
    for (size_t i = 0; i < BATCH_DATAGRAMS; i++) {
        batch->parts[i] = (struct iovec){ batch->buffers + i * buffer_size, buffer_size };
        batch->messages[i].msg_hdr =
            (struct msghdr){ .msg_iov = &batch->parts[i], .msg_iovlen = 1 };
    }
    return batch;
}

void batch_free(struct batch *given)
{
    if (given == NULL)
        return;
    pages_unmap(given->buffers, BATCH_DATAGRAMS * given->buffer_size);
    free(given->senders);
    free(given);
}

bool batch_ask_senders(struct batch *batch)
{
    batch->senders = calloc(BATCH_DATAGRAMS, sizeof *batch->senders);
    return batch->senders != NULL;
}

/* The kernel writes into these lengths how much it filled; they must say again how much room
 * there is. */
static void make_room_for_senders(struct batch *batch)
{
    for (int i = 0; i < BATCH_DATAGRAMS; i++) {
        batch->messages[i].msg_hdr.msg_control = &batch->senders[i];
        batch->messages[i].msg_hdr.msg_controllen = sizeof batch->senders[i];
    }
}

int batch_receive(struct batch *batch, int fd)
{
    int n;

    if (batch->senders != NULL)
        make_room_for_senders(batch);
    do
        n = recvmmsg(fd, batch->messages, BATCH_DATAGRAMS, MSG_DONTWAIT, NULL);
    while (n < 0 && errno == EINTR);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return 0;
    return n;
}

struct slice batch_datagram(const struct batch *batch, int i, bool *truncated)
{
    const struct mmsghdr *message = &batch->messages[i];

    *truncated = (message->msg_hdr.msg_flags & MSG_TRUNC) != 0;
    return (struct slice){ batch->parts[i].iov_base, message->msg_len };
}

pid_t batch_sender(const struct batch *batch, int i)
{
    const struct msghdr *message = &batch->messages[i].msg_hdr;
    const struct cmsghdr *head = batch->senders != NULL ? CMSG_FIRSTHDR(message) : NULL;
    struct ucred sender;

    if (head == NULL || head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_CREDENTIALS ||
        head->cmsg_len < CMSG_LEN(sizeof sender))
        return 0;
    memcpy(&sender, CMSG_DATA(head), sizeof sender);
    return sender.pid;
}

int batch_forward(struct batch *batch, int n, int fd)
{
    int sent;

    for (int i = 0; i < n; i++) {
        batch->parts[i].iov_len = batch->messages[i].msg_len;
        batch->messages[i].msg_hdr.msg_control = NULL; /* a copy goes on without the sender */
        batch->messages[i].msg_hdr.msg_controllen = 0;
    }
    do
        sent = sendmmsg(fd, batch->messages, (unsigned)n, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    for (int i = 0; i < n; i++)
        batch->parts[i].iov_len = batch->buffer_size;
    return sent > 0 ? sent : 0;
}
