#include "server/http/findings_internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "flush/delivery/mirror_ledger.h"
#include "flush/history/history_ledger.h"
#include "flush/notify/notify_ledger.h"
#include "server/http/checks.h"
#include "server/http/health.h"
#include "server/http/totals.h"
#include "server/monitors/monitor_ledger.h"
#include "server/traces/traces_ledger.h"

/* NEAR_PERCENT of a bound is near. The intake refuses points that are CLOCK_AHEAD_MAX_S ahead;
 * a clock that is CLOCK_APART_S off is wrong long before that. A server that has heard nothing
 * for SILENCE_S, or for SILENCE_INTERVALS where these are short, or has not reached Redis for
 * CONNECT_S, has something to tell; so has one whose notifications nobody took for NOT_SENT_S.
 */
enum {
    NEAR_PERCENT = 90,
    CLOCK_APART_S = 60,
    SILENCE_S = 30,
    SILENCE_INTERVALS = 5,
    CONNECT_S = 10,
    NOT_SENT_S = 600
};

static bool say(struct finding *out, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void mend(struct finding *out, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Always true: what is said holds. */
static bool say(struct finding *out, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(out->sentence, sizeof out->sentence, format, arguments);
    va_end(arguments);
    return true;
}

static void mend(struct finding *out, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(out->mend, sizeof out->mend, format, arguments);
    va_end(arguments);
}

/* ---- threads and books ------------------------------------------------- */

static bool hangs(struct finding *out, const char *who, int64_t alive_ms, int64_t now_ms)
{
    if (health_turns(alive_ms, now_ms))
        return false;
    mend(out, "heeler flare heeler.tar, then systemctl restart heeler");
    return say(out, "%s has made no turn for %" PRId64 " s: a disk, a name server or a bug",
               who, (now_ms - alive_ms) / 1000);
}

static bool state_FINDING_HANGS(const struct moment *moment, struct finding *out)
{
    const struct server_view *view = moment->view;
    char name[24];

    for (uint32_t i = 0; i < view->workers; i++) {
        snprintf(name, sizeof name, "worker %" PRIu32, i);
        if (hangs(out, name, (int64_t)counter_read(&view->worker_ledgers[i].alive_ms),
                  moment->monotonic_ms))
            return true;
    }
    return hangs(out, "the flusher", view->flusher_alive_ms, moment->monotonic_ms) ||
           hangs(out, "delivery", view->delivery_alive_ms, moment->monotonic_ms) ||
           (view->traces != NULL &&
            hangs(out, "the thread of traces", view->traces_alive_ms, moment->monotonic_ms));
}

static bool state_FINDING_IMBALANCE(const struct moment *moment, struct finding *out)
{
    struct totals sums;

    totals_read(moment->view, &sums);
    if (sums.lines_imbalance + sums.values_imbalance + sums.points_imbalance == 0)
        return false;
    mend(out, "heeler flare heeler.tar, and report it: this is a bug of Heeler");
    return say(out,
               "the books do not balance: %" PRIu64 " lines, %" PRIu64 " values, %" PRIu64
               " points are not accounted for",
               sums.lines_imbalance, sums.values_imbalance, sums.points_imbalance);
}

/* ---- intakes and Redis ------------------------------------------------- */

static const char *url_of(const struct server_view *view, size_t i, char *out, size_t size)
{
    settings_mask_url(view->sinks[i].base_url != NULL ? view->sinks[i].base_url : "", out,
                      size);
    return out;
}

static bool state_FINDING_KEY(const struct moment *moment, struct finding *out)
{
    const struct server_view *view = moment->view;
    char url[160], key[INTAKE_MASK_MAX];

    for (size_t i = 0; !view->local && i < view->n_sinks; i++) {
        if (atomic_load_explicit(&view->delivery_ledger[i].key, memory_order_relaxed) !=
            KEY_INVALID)
            continue;
        intake_mask_key(view->sinks[i].api_key, key);
        mend(out, "set the right api_key (or site), then curl -X POST .../reload, or SIGHUP");
        return say(out, "%s does not accept the API key %s (403); payloads are kept meanwhile",
                   url_of(view, i, url, sizeof url), key);
    }
    return false;
}

static void why_unreachable(const struct delivery_standing *now, char *out, size_t size)
{
    int status = atomic_load_explicit(&now->answer_status, memory_order_relaxed);
    int error = atomic_load_explicit(&now->answer_error, memory_order_relaxed);

    if (status != 0)
        snprintf(out, size, "status %d", status);
    else
        snprintf(out, size, "error %s", intake_error_name((enum intake_error)error));
}

static uint64_t waiting_at(const struct delivery_ledger *ledger)
{
    return atomic_load_explicit(&ledger->queued.payloads, memory_order_relaxed) +
           atomic_load_explicit(&ledger->spooled.payloads, memory_order_relaxed);
}

static bool state_FINDING_UNREACHABLE(const struct moment *moment, struct finding *out)
{
    const struct server_view *view = moment->view;
    char url[160], why[48];

    for (size_t i = 0; !view->local && i < view->n_sinks; i++) {
        const struct delivery_ledger *ledger = &view->delivery_ledger[i];
        int state = atomic_load_explicit(&ledger->now.state, memory_order_relaxed);
        int status = atomic_load_explicit(&ledger->now.answer_status, memory_order_relaxed);

        /* One that recovers is blocked for a while yet. */
        if ((state != DELIVERY_BLOCKED && state != DELIVERY_PROBING) || status / 100 == 2)
            continue;
        why_unreachable(&ledger->now, why, sizeof why);
        mend(out, "curl -v %s; heeler help settings dd_url, site, proxy",
             url_of(view, i, url, sizeof url));
        return say(out, "%s takes no payloads (%s); %" PRIu64 " wait", url, why,
                   waiting_at(ledger));
    }
    return false;
}

static bool state_FINDING_CLOCK(const struct moment *moment, struct finding *out)
{
    const struct server_view *view = moment->view;
    char url[160];

    for (size_t i = 0; !view->local && i < view->n_sinks; i++) {
        int64_t ahead_s = atomic_load_explicit(&view->delivery_ledger[i].now.clock_ahead_s,
                                               memory_order_relaxed);

        if (ahead_s <= CLOCK_APART_S && ahead_s >= -CLOCK_APART_S)
            continue;
        mend(out, "timedatectl set-ntp true");
        return say(out,
                   "the clock of this machine is %" PRId64
                   " s %s that of %s: points of another "
                   "time may be ignored there",
                   ahead_s < 0 ? -ahead_s : ahead_s, ahead_s < 0 ? "ahead of" : "behind",
                   url_of(view, i, url, sizeof url));
    }
    return false;
}

static bool state_FINDING_NO_KEY(const struct moment *moment, struct finding *out)
{
    if (!moment->view->local)
        return false;
    mend(out, "DD_API_KEY=... heeler, or api_key in the file; then restart");
    return say(out, "local mode: there is no api_key, so nothing leaves this machine");
}

static bool state_FINDING_REDIS(const struct moment *moment, struct finding *out)
{
    const struct mirror_ledger *mirror = moment->view->mirror;

    if (mirror == NULL || atomic_load_explicit(&mirror->up, memory_order_relaxed) != 0 ||
        moment->wall_s - moment->view->started_s < CONNECT_S)
        return false;
    mend(out, "redis-cli -u URL ping; heeler help settings redis");
    return say(out, "Redis does not take the windows; %" PRIu64 " values wait",
               atomic_load_explicit(&mirror->points.queued.points, memory_order_relaxed));
}

static bool state_FINDING_HISTORY(const struct moment *moment, struct finding *out)
{
    static const char *const why[HISTORY_STATE_COUNT] = {
        [HISTORY_HELD] = "another process has heeler_state_path",
        [HISTORY_NEWER] = "a newer program wrote what is in heeler_state_path",
        [HISTORY_FAILED] = "heeler_state_path cannot be written",
    };
    const struct history_ledger *history = moment->view->history;
    uint64_t state = history != NULL ? counter_read(&history->state) : HISTORY_OPEN;

    if (why[state] == NULL)
        return false;
    mend(out, state == HISTORY_HELD
                  ? "nothing in a rolling update; else give each its own folder"
                  : "heeler tells why in its log: journalctl -u heeler");
    return say(out, "the past is in memory only: %s", why[state]);
}

static bool state_FINDING_DUPLICATE(const struct moment *moment, struct finding *out)
{
    const struct mirror_ledger *mirror = moment->view->mirror;
    uint64_t others =
        mirror != NULL ? atomic_load_explicit(&mirror->duplicates, memory_order_relaxed) : 0;

    if (others == 0)
        return false;
    mend(out, "give each its own hostname (DD_HOSTNAME), or set heeler_on_duplicate=tag");
    return say(out,
               "%" PRIu64 " other living servers have this host name: at the intake their "
               "points and ours replace each other",
               others);
}

/* ---- monitors ---------------------------------------------------------- */

static int64_t failing_for_s(const struct counter *since_s, const struct moment *moment)
{
    int64_t since = (int64_t)counter_read(since_s);

    return since > 0 ? moment->wall_s - since : 0;
}

static bool is_stuck(struct finding *out, const char *what, int64_t failing_s,
                     const struct notify_ledger *ledger)
{
    mend(out, "heeler monitor test ID sends one to its receivers; journalctl -u heeler has "
              "their answers");
    return say(out, "%s for %" PRId64 " min; %" PRIu64 " notifications wait", what,
               failing_s / 60, notify_ledger_waiting(ledger));
}

static bool state_FINDING_MAIL(const struct moment *moment, struct finding *out)
{
    const struct notify_ledger *ledger = moment->view->notify;
    int64_t failing_s = ledger != NULL ? failing_for_s(&ledger->mail_failing_s, moment) : 0;

    return failing_s >= NOT_SENT_S &&
           is_stuck(out, "heeler_smtp_url has taken no mail", failing_s, ledger);
}

static bool state_FINDING_WEBHOOK(const struct moment *moment, struct finding *out)
{
    const struct notify_ledger *ledger = moment->view->notify;
    int64_t failing_s = ledger != NULL ? failing_for_s(&ledger->webhooks_failing_s, moment) : 0;

    return failing_s >= NOT_SENT_S &&
           is_stuck(out, "a webhook has taken nothing", failing_s, ledger);
}

/* A round ends some seconds behind its minute, and the next one a minute later. */
static bool state_FINDING_EVALUATION(const struct moment *moment, struct finding *out)
{
    const struct monitor_ledger *ledger = moment->view->monitors;
    int64_t behind_s = ledger != NULL ? failing_for_s(&ledger->evaluated_s, moment) - 60 : 0;

    if (behind_s <= EVALUATION_LATE_S)
        return false;
    mend(out, "fewer monitors or groups, shorter windows, or more CPU; heeler monitor list");
    return say(out, "monitors are evaluated %" PRId64 " s late: who is to be told is told late",
               behind_s);
}

static bool state_FINDING_MONITORS(const struct moment *moment, struct finding *out)
{
    const struct monitor_ledger *ledger = moment->view->monitors;
    uint64_t n = ledger != NULL ? counter_read(&ledger->problems) : 0;

    if (n == 0)
        return false;
    mend(out, "heeler monitor list tells which, and why");
    return say(out, "%" PRIu64 " monitor%s could not be evaluated and %s nobody", n,
               n == 1 ? "" : "s", n == 1 ? "tells" : "tell");
}

static bool state_FINDING_DOWNTIMES(const struct moment *moment, struct finding *out)
{
    const struct monitor_ledger *ledger = moment->view->monitors;
    uint64_t n = ledger != NULL ? counter_read(&ledger->unknown_downtimes) : 0;

    if (n == 0)
        return false;
    mend(out, "install the package heeler-calendar, or set heeler_calendar_path; the log says "
              "what is wrong with each");
    return say(out, "%" PRIu64 " downtime%s mute%s nothing, as it is not known when", n,
               n == 1 ? " that recurs" : "s that recur", n == 1 ? "s" : "");
}

/* ---- checks ------------------------------------------------------------ */

/* One that has ended is expected to be silent. */
static bool is_silent(const struct checks_brief *told, const struct moment *moment)
{
    return !told->ended && moment->monotonic_ms - told->heard_ms >= CHECKS_SILENT_S * 1000;
}

static bool state_FINDING_CHECKS_SILENT(const struct moment *moment, struct finding *out)
{
    const struct checks_brief *told = checks_told(moment->view->checks);

    if (told == NULL || !is_silent(told, moment))
        return false;
    mend(out,
         "systemctl status heeler-checks, or see what heeler checks says when it is started");
    return say(out,
               "the runner of checks has not been heard of for %" PRId64 " s: %" PRIu64
               " instances report nothing",
               (moment->monotonic_ms - told->heard_ms) / 1000, told->all);
}

/* What a runner said that has gone silent is not of now. */
static bool state_FINDING_CHECKS(const struct moment *moment, struct finding *out)
{
    const struct checks_brief *told = checks_told(moment->view->checks);

    if (told == NULL || told->ended || is_silent(told, moment))
        return false;
    if (told->failing > 0) {
        mend(out, "heeler checks --once NAME shows what it does; the page has the traceback");
        return say(out, "%" PRIu64 " of %" PRIu64 " instances of checks fail%s: %s",
                   told->failing, told->all, told->failing == 1 ? "s" : "", told->worst);
    }
    if (told->problems == 0)
        return false;
    mend(out, "heeler checks --list names all of them; what is mended is read by itself");
    return say(out, "%" PRIu64 " file%s of checks %s wrong: %s", told->problems,
               told->problems == 1 ? "" : "s", told->problems == 1 ? "is" : "are",
               told->problem);
}

/* ---- contexts ---------------------------------------------------------- */

static uint64_t most_contexts(const struct server_view *view)
{
    uint64_t most = counter_read(&view->flusher_ledger->series);

    for (uint32_t i = 0; i < view->workers; i++) {
        uint64_t contexts = counter_read(&view->worker_ledgers[i].contexts);

        most = contexts > most ? contexts : most;
    }
    return most;
}

static bool state_FINDING_CONTEXTS(const struct moment *moment, struct finding *out)
{
    const struct server_view *view = moment->view;
    uint64_t contexts = most_contexts(view);
    uint64_t bound = (uint64_t)view->settings->heeler_max_contexts;
    uint64_t bytes = counter_read(&view->flusher_ledger->catalogue_bytes) +
                     counter_read(&view->flusher_ledger->tables_bytes);

    if (contexts >= bound / 100 * NEAR_PERCENT + bound % 100 * NEAR_PERCENT / 100) {
        mend(out, "heeler top --by tag shows the tag keys with the most values; or raise "
                  "heeler_max_contexts, and restart");
        return say(out, "%" PRIu64 " of %" PRIu64 " contexts are in use: new ones will be shed",
                   contexts, bound);
    }
    if (view->facts->contexts_bytes == 0 ||
        bytes < view->facts->contexts_bytes / 100 * NEAR_PERCENT)
        return false;
    mend(out, "heeler top --by tag shows the tag keys with the most values; or raise "
              "heeler_max_memory, and restart");
    return say(out,
               "contexts take %" PRIu64 " of the %zu MiB that they may: new ones will be shed",
               bytes >> 20, view->facts->contexts_bytes >> 20);
}

static bool state_FINDING_TAG_GROWS(const struct moment *moment, struct finding *out)
{
    const struct tag_survey *survey = moment->view->tag_survey;

    for (size_t i = 0; survey != NULL && i < survey->n; i++) {
        const struct tag_key *key = &survey->at[i];

        if (!key->grows)
            continue;
        mend(out, "leave the tag out in the client, or strip it by metric_tag_filterlist "
                  "(heeler help settings tag_filter)");
        if (key->key[0] == '\0')
            return say(out, "tags without a value: %" PRIu32 ", and more with every minute",
                       key->values);
        return say(out,
                   "the tag key %s has %" PRIu32 " values, and more with every minute: each "
                   "makes series of its own",
                   key->key, key->values);
    }
    return false;
}

/* ---- this machine ------------------------------------------------------ */

static bool state_FINDING_BUFFER(const struct moment *moment, struct finding *out)
{
    const struct listeners *listeners = moment->view->listeners;

    for (size_t i = 0; i < listeners->n; i++) {
        const struct listener *listener = &listeners->at[i];
        int enough = listener_lacks_buffer(listener);

        if (enough == 0)
            continue;
        mend(out, "sysctl -w net.core.rmem_max=%d, then restart Heeler", enough);
        return say(out,
                   "%s has %d KiB of receive buffer, not %d: a burst that comes while nobody "
                   "reads is dropped",
                   listener->name, listener->granted_bytes / 1024, enough / 1024);
    }
    return false;
}

static bool state_FINDING_QUEUE(const struct moment *moment, struct finding *out)
{
    const struct listeners *listeners = moment->view->listeners;

    for (size_t i = 0; i < listeners->n; i++) {
        const struct listener *listener = &listeners->at[i];

        if (listener->queue_datagrams == 0 || listener->queue_datagrams >= LISTENER_GOOD_QUEUE)
            continue;
        mend(out, "sysctl -w net.unix.max_dgram_qlen=%d, then restart Heeler",
             LISTENER_SUGGESTED_QUEUE);
        return say(out, "%s: the kernel queues %d datagrams, then senders wait or give up",
                   listener->name, listener->queue_datagrams);
    }
    return false;
}

static bool state_FINDING_DEAF_V6(const struct moment *moment, struct finding *out)
{
    if (!moment->view->facts->deaf_on_v6)
        return false;
    mend(out, "set bind_host=localhost, which is both, or send to 127.0.0.1");
    return say(out, "127.0.0.1 is listened on and ::1 is not: clients for which localhost is "
                    "::1 do not get here");
}

static bool state_FINDING_CONTAINER(const struct moment *moment, struct finding *out)
{
    if (!moment->view->facts->hostname_of_container)
        return false;
    mend(out, "set hostname (DD_HOSTNAME) to the name of the host");
    return say(out,
               "nobody set hostname, and this is a container: the name is the container's and "
               "not the host's");
}

static bool state_FINDING_INTERVAL(const struct moment *moment, struct finding *out)
{
    int64_t interval_s = moment->view->settings->heeler_interval;

    if (60 % interval_s == 0)
        return false;
    mend(out, "set heeler_interval to 10, or another part of 60, and restart");
    return say(out,
               "heeler_interval is %" PRId64 " s, which does not divide a minute: graphs of "
               "whole minutes get uneven numbers of points",
               interval_s);
}

static uint64_t trace_payloads(const struct traces_ledger *ledger)
{
    uint64_t sum = counter_read(&ledger->stats_payloads);

    for (int layout = 0; layout < TRACE_LAYOUT_COUNT; layout++)
        sum += counter_read(&ledger->payloads[layout]);
    return sum;
}

/* By whatever way: datagrams, the API, tracing libraries. */
static bool has_received(const struct server_view *view)
{
    struct totals sums;

    totals_read(view, &sums);
    return sums.datagrams + sums.values > 0 ||
           (view->traces != NULL && trace_payloads(view->traces) > 0);
}

static bool state_FINDING_SILENCE(const struct moment *moment, struct finding *out)
{
    const struct server_view *view = moment->view;
    int64_t silent_s = moment->wall_s - view->started_s;
    bool is_early = silent_s < SILENCE_S &&
                    silent_s < SILENCE_INTERVALS * (int64_t)view->settings->heeler_interval;

    if (is_early || view->listeners->n == 0 || has_received(view))
        return false;
    mend(out, "heeler send 'my_metric:1|c', and compare the client's address with these: "
              "heeler status");
    return say(out, "nothing was received since the start, %" PRId64 " s ago", silent_s);
}

/* ---- by id ------------------------------------------------------------- */

finding_state *finding_state_of(enum finding_id id)
{
#define STATE_ROW(id, ...) [id] = state_##id,
    static finding_state *const states[] = { FINDING_STATES(STATE_ROW) };

    return (size_t)id < sizeof states / sizeof states[0] ? states[id] : NULL;
}
