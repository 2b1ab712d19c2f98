#include "server/commands/progress.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BAR = 28, EACH_MS = 100 };

#define MIB 1048576.0

void progress_begin(struct progress *progress, int64_t now_ns)
{
    *progress = (struct progress){ .is_shown = isatty(STDERR_FILENO) == 1,
                                   .began_ns = now_ns,
                                   .shown_ns = now_ns - EACH_MS * INT64_C(1000000) };
}

/* "1:02:03", "2:03"; the time that the rest takes, if it goes on like that. */
static void write_left(double seconds, char *out, size_t size)
{
    long long whole = seconds < 1e9 ? (long long)(seconds + 0.5) : 1000000000;

    if (whole >= 3600)
        snprintf(out, size, "%lld:%02lld:%02lld", whole / 3600, whole / 60 % 60, whole % 60);
    else
        snprintf(out, size, "%lld:%02lld", whole / 60, whole % 60);
}

void progress_write(uint64_t done, uint64_t all, int64_t after_ns, char out[PROGRESS_MAX])
{
    char bar[BAR + 1], left[24];

    if (all == 0) {
        snprintf(out, PROGRESS_MAX, "%.1f MiB", (double)done / MIB);
        return;
    }
    double share = done < all ? (double)done / (double)all : 1;
    int full = (int)(share * BAR);

    memset(bar, ' ', BAR);
    memset(bar, '=', (size_t)full);
    if (full < BAR)
        bar[full] = '>';
    bar[BAR] = '\0';
    write_left(share > 0 ? (double)after_ns / 1e9 * (1 - share) / share : 0, left, sizeof left);
    snprintf(out, PROGRESS_MAX, "[%s] %.1f of %.1f MiB%s%s%s", bar, (double)done / MIB,
             (double)all / MIB, share > 0 ? ", " : "", share > 0 ? left : "",
             share > 0 ? " left" : "");
}

void progress_say(struct progress *progress, const char *words, int64_t now_ns)
{
    if (!progress->is_shown || now_ns - progress->shown_ns < EACH_MS * INT64_C(1000000))
        return;
    progress->shown_ns = now_ns;
    fprintf(stderr, "\r%s\x1b[K", words);
    fflush(stderr);
}

void progress_show(struct progress *progress, uint64_t done, uint64_t all, int64_t now_ns)
{
    char line[PROGRESS_MAX];

    if (!progress->is_shown)
        return;
    progress_write(done, all, now_ns - progress->began_ns, line);
    progress_say(progress, line, now_ns);
}

void progress_end(struct progress *progress)
{
    if (progress->is_shown)
        fputs("\r\x1b[K", stderr);
}
