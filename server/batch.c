#include "server/batch.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "flush/pages.h"

struct batch {
    size_t buffer_size;
    char *buffers; /* pages: only what datagrams touch costs memory */
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

void batch_free(struct batch *batch)
{
    if (batch == NULL)
        return;
    pages_unmap(batch->buffers, BATCH_DATAGRAMS * batch->buffer_size);
    free(batch);
}

int batch_receive(struct batch *batch, int fd)
{
    int n;

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

int batch_forward(struct batch *batch, int n, int fd)
{
    int sent;

    for (int i = 0; i < n; i++)
        batch->parts[i].iov_len = batch->messages[i].msg_len;
    do
        sent = sendmmsg(fd, batch->messages, (unsigned)n, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    for (int i = 0; i < n; i++)
        batch->parts[i].iov_len = batch->buffer_size;
    return sent > 0 ? sent : 0;
}
