#include "bench/scrape.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { PAGE_MAX_BYTES = 4 * 1024 * 1024, TIMEOUT_SECONDS = 5 };

int scrape_connect(const char *host, const char *port)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found;
    struct timeval limit = { .tv_sec = TIMEOUT_SECONDS };
    int fd;

    if (getaddrinfo(host, port, &hints, &found) != 0)
        return -1;
    fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0) {
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
        if (connect(fd, found->ai_addr, found->ai_addrlen) != 0) {
            close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(found);
    return fd;
}

/* The whole answer, ended with NUL; the caller frees it. NULL: none. */
static char *fetch(const char *url)
{
    char host[128], port[8], path[256] = "", request[512];
    char *page;
    size_t used = 0;
    ssize_t got;
    int fd, length;

    if (sscanf(url, "http://%127[^:/]:%7[0-9]%255s", host, port, path) < 2)
        return NULL;
    fd = scrape_connect(host, port);
    page = fd >= 0 ? malloc(PAGE_MAX_BYTES + 1) : NULL;
    if (page != NULL) {
        length = snprintf(request, sizeof request, "GET %s HTTP/1.0\r\nHost: %s:%s\r\n\r\n",
                          path[0] != '\0' ? path : "/", host, port);
        if (send(fd, request, (size_t)length, MSG_NOSIGNAL) == length)
            while ((got = read(fd, page + used, PAGE_MAX_BYTES - used)) > 0)
                used += (size_t)got;
        page[used] = '\0';
    }
    if (fd >= 0)
        close(fd);
    return page;
}

static int status_of(const char *page)
{
    int status = 0;

    return sscanf(page, "HTTP/1.%*d %d", &status) == 1 ? status : 0;
}

int scrape_status(const char *url)
{
    char *page = fetch(url);
    int status = page != NULL ? status_of(page) : 0;

    free(page);
    return status;
}

bool scrape_sum(const char *url, const char *metric, double *out)
{
    char *page = fetch(url), *rest = page, *line;
    size_t length = strlen(metric);
    bool found = false;

    *out = 0;
    while (page != NULL && status_of(page) == 200 && (line = strsep(&rest, "\n")) != NULL) {
        const char *value = strrchr(line, ' ');

        if (value == NULL || strncmp(line, metric, length) != 0 ||
            (line[length] != '{' && line[length] != ' '))
            continue;
        *out += strtod(value, NULL);
        found = true;
    }
    free(page);
    return found;
}
