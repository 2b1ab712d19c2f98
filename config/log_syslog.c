#include "config/log_syslog.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

static const char scheme[] = "unixgram://";

struct log_syslog {
    struct sockaddr_un address;
    int fd; /* -1: not connected */
};

bool log_syslog_parse(const char *uri, const char **path)
{
    *path = LOG_SYSLOG_PATH;
    if (uri[0] == '\0')
        return true;
    if (strncmp(uri, scheme, sizeof scheme - 1) != 0)
        return false;
    *path = uri + sizeof scheme - 1;
    return **path == '/' && strlen(*path) < sizeof((struct sockaddr_un *)NULL)->sun_path;
}

struct log_syslog *log_syslog_new(const char *path)
{
    struct log_syslog *syslog = calloc(1, sizeof *syslog);

    if (syslog == NULL || strlen(path) >= sizeof syslog->address.sun_path) {
        free(syslog);
        return NULL;
    }
    syslog->address.sun_family = AF_UNIX;
    strcpy(syslog->address.sun_path, path);
    syslog->fd = -1;
    return syslog;
}

static void hang_up(struct log_syslog *syslog)
{
    if (syslog->fd >= 0)
        close(syslog->fd);
    syslog->fd = -1;
}

void log_syslog_free(struct log_syslog *given)
{
    hang_up(given);
    free(given);
}

size_t log_syslog_header(enum log_level level, bool rfc5424, int64_t wall_ns, char *out,
                         size_t size)
{
    static const int severities[] = { LOG_EMERG, LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG };
    int priority = LOG_DAEMON | severities[level];
    time_t seconds = (time_t)(wall_ns / 1000000000);
    struct tm when;
    char stamp[40];
    int n;

    if (rfc5424) {
        char host[256] = "-";

        gethostname(host, sizeof host - 1);
        gmtime_r(&seconds, &when);
        strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &when);
        n = snprintf(out, size, "<%d>1 %s.%03dZ %s heeler %ld - - ", priority, stamp,
                     (int)(wall_ns / 1000000 % 1000), host, (long)getpid());
    } else {
        localtime_r(&seconds, &when);
        strftime(stamp, sizeof stamp, "%b %e %H:%M:%S", &when);
        n = snprintf(out, size, "<%d>%s heeler[%ld]: ", priority, stamp, (long)getpid());
    }
    return n < 0 ? 0 : (size_t)n < size ? (size_t)n : size - 1;
}

static bool is_connected(struct log_syslog *syslog)
{
    if (syslog->fd >= 0)
        return true;
    syslog->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (syslog->fd >= 0 &&
        connect(syslog->fd, (struct sockaddr *)&syslog->address, sizeof syslog->address) != 0)
        hang_up(syslog);
    return syslog->fd >= 0;
}

/* A daemon that was started anew has another socket under the name. */
static bool send_line(struct log_syslog *syslog, const char *line, size_t len)
{
    for (int attempt = 0; attempt < 2; attempt++) {
        if (!is_connected(syslog))
            return false;
        if (send(syslog->fd, line, len, MSG_NOSIGNAL) == (ssize_t)len)
            return true;
        hang_up(syslog);
    }
    return false;
}

bool log_syslog_write(struct log_syslog *syslog, const char *lines, size_t len)
{
    bool sent = true;

    while (len > 0) {
        const char *newline = memchr(lines, '\n', len);
        size_t n = newline != NULL ? (size_t)(newline - lines) : len;
        size_t taken = newline != NULL ? n + 1 : n;

        sent = send_line(syslog, lines, n) && sent;
        lines += taken;
        len -= taken;
    }
    return sent;
}
