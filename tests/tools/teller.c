/* teller: gives notifications to a notifier, for scripts that run a real mail server.
 *
 *   teller COUNT RECEIVER KEY=VALUE...
 *
 * RECEIVER may have one %d, which becomes 0 to 9 in turn; the rest are settings. Their titles
 * and texts are hostile, and every second has a picture. Says what became of them, and ends
 * with 0 when all were sent. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/load.h"
#include "flush/notify/notifier.h"

enum { PATIENCE_MS = 60000, BEGIN_S = 1796061600, PICTURE_SIZE = 20000 };

static struct notification *make(int number, const char *receiver, const struct bytes *picture)
{
    char title[200], to[200];
    const char *digit = strstr(receiver, "%d");

    snprintf(title, sizeof title,
             "[Triggered on {host:h%d}] caf\xc3\xa9 <b>\r\nBcc: victim@example.org", number);
    if (digit != NULL)
        snprintf(to, sizeof to, "%.*s%d%s", (int)(digit - receiver), receiver, number % 10,
                 digit + 2);
    else
        snprintf(to, sizeof to, "%s", receiver);
    struct notification one = {
        .monitor = 7,
        .transition = { MONITOR_OK, MONITOR_ALERT, BEGIN_S + number, 0, true, false },
        .raised_s = BEGIN_S + number,
        .value = 900,
        .has_value = true,
        .monitor_name = SLICE("load"),
        .group = SLICE("host:a"),
        .receiver = slice_of(to),
        .title = slice_of(title),
        .text = SLICE("load is 900\n.\nFrom here\n<script>x</script>"),
        .query = SLICE("avg(last_5m):avg:load{*} > 800"),
    };

    notification_id(one.monitor, one.group, &one.transition, one.id);
    if (number % 2 == 0)
        one.picture = *picture;
    return notification_new(&one);
}

/* Until all of them have ended, or nothing was heard for a minute. */
static int hear(struct mailbox *results, int n, int ends[NOTIFICATION_END_COUNT])
{
    int failed = 0;

    for (int over = 0; over < n;) {
        struct pollfd woken = { .fd = results->wake_fd, .events = POLLIN };
        struct notify_result *next;

        if (poll(&woken, 1, PATIENCE_MS) != 1)
            break;
        mailbox_quieten(results);
        for (struct notify_result *at = (struct notify_result *)mailbox_take(results);
             at != NULL; at = next) {
            next = at->next;
            over += at->notification != NULL;
            failed += at->notification == NULL;
            ends[at->end] += at->notification != NULL;
            if (at->end != NOTIFICATION_SENT)
                printf("%s: %s\n", at->receiver, at->answer);
            notification_free(at->notification);
            free(at);
        }
    }
    return failed;
}

static int tell(struct receivers *receivers, int n, const char *receiver)
{
    static char bytes[PICTURE_SIZE] = "\x89PNG\r\n\x1a\n";
    static struct notify_ledger ledger;
    int ends[NOTIFICATION_END_COUNT] = { 0 };
    struct bytes picture = { 0 };
    struct mailbox results;
    struct notifier_config config = { receivers, "srv1", &results, &ledger };

    bytes_add(&picture, bytes, sizeof bytes);
    struct notifier *notifier =
        !picture.failed && mailbox_open(&results) ? notifier_new(&config) : NULL;

    if (notifier == NULL)
        return 1;
    for (int i = 0; i < n; i++) {
        struct notification *made = make(i, receiver, &picture);

        if (made != NULL)
            notifier_give(notifier, made);
    }
    int failed = hear(&results, n, ends);

    printf("sent %d, refused %d, shed %d; %d attempts failed\n", ends[NOTIFICATION_SENT],
           ends[NOTIFICATION_REFUSED], ends[NOTIFICATION_SHED], failed);
    if (notifier_end(notifier, PATIENCE_MS))
        notifier_free(notifier);
    mailbox_close(&results);
    bytes_free(&picture);
    return ends[NOTIFICATION_SENT] == n ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct settings settings;
    struct problems problems = { .n_unlisted = 0 };
    char problem[512] = "";
    struct settings_source source = { .sets = argv + 3, .n_sets = (size_t)(argc - 3) };

    if (argc < 3) {
        fputs("usage: teller COUNT RECEIVER KEY=VALUE...\n", stderr);
        return 2;
    }
    bool loaded = settings_load(&settings, &source, &problems);
    struct receivers *receivers =
        loaded ? receivers_new(&settings, problem, sizeof problem) : NULL;
    int status = 1;

    if (receivers != NULL)
        status = tell(receivers, atoi(argv[1]), argv[2]);
    else
        fprintf(stderr, "%s\n", loaded ? problem : problems.errors.at[0]);
    receivers_release(receivers);
    settings_free(&settings);
    problems_free(&problems);
    return status;
}
