#include "flush/delivery/mirror_ledger.h"
#include "server/http/accounts.h"
#include "server/http/status.h"
#include "server/http/totals.h"
#include "server/receive/listeners.h"

/* ---- received, parsed, folded, encoded --------------------------------- */

static void write_received(struct json_out *out, const struct server_view *view,
                           const struct totals *sums)
{
    uint64_t forwarded = 0;

    for (uint32_t i = 0; i < view->workers; i++)
        forwarded += counter_read(&view->worker_ledgers[i].forwarded);
    json_out_begin(out, "received", '{');
    json_out_number(out, "datagrams", sums->datagrams);
    json_out_number(out, "bytes", sums->bytes);
    json_out_number(out, "lines", sums->lines);
    json_out_number(out, "forwarded", forwarded);
    json_out_number(out, "truncated", listeners_sum(view->listeners, listener_truncated));
    json_out_number(out, "dropped_by_kernel", sums->drops);
    json_out_end(out, '}');
}

static void write_parsed(struct json_out *out, const struct worker_ledger *workers,
                         const struct totals *sums)
{
    static const char *const kinds[LINE_KIND_COUNT] = { "metric", "event", "service_check" };

    json_out_begin(out, "parsed", '{');
    json_out_number(out, "lines", counter_read(&workers->accepted));
    json_out_number(out, "values", sums->values);
    json_out_number(out, "values_copied", counter_read(&workers->values_copied));
    json_out_begin(out, "lines_by_kind", '{');
    for (int kind = 0; kind < LINE_KIND_COUNT; kind++)
        json_out_number(out, kinds[kind], counter_read(&workers->lines[kind]));
    json_out_end(out, '}');
    json_out_begin(out, "values_by_type", '{');
    for (int type = 0; type < METRIC_TYPE_COUNT; type++)
        json_out_number(out, metric_type_name((enum metric_type)type),
                        counter_read(&workers->values[type]));
    json_out_end(out, '}');
    json_out_number(out, "records_shed", counter_read(&workers->records_shed));
    json_out_number(out, "rejected", sums->rejected);
    json_out_begin(out, "rejected_by_reason", '{');
    for (int reason = PARSE_OK + 1; reason < PARSE_RESULT_COUNT; reason++)
        json_out_number(out, parse_result_label((enum parse_result)reason),
                        counter_read(&workers->rejected[reason]));
    json_out_end(out, '}');
    json_out_end(out, '}');
}

/* Between two seals the values that are on their way are not folded yet. The counters are read
 * one after the other while their threads go on, so a difference may be off by those. */
static void write_folded(struct json_out *out, const struct server_view *view,
                         const struct worker_ledger *workers, const struct totals *sums)
{
    uint64_t settled = sums->folded + sums->shed;

    json_out_begin(out, "folded", '{');
    json_out_number(out, "values", sums->folded);
    json_out_number(out, "in_flight", sums->values > settled ? sums->values - settled : 0);
    json_out_number(out, "taken_over", counter_read(&view->flusher_ledger->taken_over));
    json_out_number(out, "late_buckets", counter_read(&view->flusher_ledger->late_buckets));
    json_out_number(out, "shed", sums->shed);
    json_out_begin(out, "shed_by_reason", '{');
    for (int reason = SHED_NOTHING + 1; reason < SHED_REASON_COUNT; reason++)
        json_out_number(out, shed_reason_label((enum shed_reason)reason),
                        counter_read(&workers->shed[reason]) +
                            counter_read(&view->flusher_ledger->shed[reason]));
    json_out_end(out, '}');
    json_out_end(out, '}');
}

static void write_encoded(struct json_out *out, const struct flusher_ledger *flusher,
                          const struct totals *sums)
{
    uint64_t dropped = 0;

    for (int reason = 0; reason < POINT_DROP_COUNT; reason++)
        dropped += counter_read(&flusher->dropped[reason]);
    json_out_begin(out, "encoded", '{');
    json_out_number(out, "points", sums->encoded);
    json_out_number(out, "payloads", counter_read(&flusher->payloads));
    json_out_begin(out, "points_by_kind", '{');
    for (int kind = 0; kind < POINT_KIND_COUNT; kind++)
        json_out_number(out, point_kind_label((enum point_kind)kind),
                        counter_read(&flusher->encoded[kind]));
    json_out_end(out, '}');
    json_out_number(out, "dropped", dropped);
    json_out_begin(out, "dropped_by_reason", '{');
    for (int reason = 0; reason < POINT_DROP_COUNT; reason++)
        json_out_number(out, point_drop_label((enum point_drop)reason),
                        counter_read(&flusher->dropped[reason]));
    json_out_end(out, '}');
    json_out_end(out, '}');
}

/* ---- delivered --------------------------------------------------------- */

static uint64_t load(const _Atomic(uint64_t) *value)
{
    return atomic_load_explicit(value, memory_order_relaxed);
}

static void write_count(struct json_out *out, const char *name,
                        const struct delivery_count *count)
{
    json_out_begin(out, name, '{');
    json_out_number(out, "points", load(&count->points));
    json_out_number(out, "payloads", load(&count->payloads));
    json_out_end(out, '}');
}

/* What became of the payloads of one sink, by the balance of delivery_ledger.h. */
static void write_account(struct json_out *out, const struct delivery_ledger *ledger)
{
    write_count(out, "accepted", &ledger->accepted);
    write_count(out, "recovered", &ledger->recovered);
    write_count(out, "delivered", &ledger->delivered);
    write_count(out, "delivered_stale", &ledger->delivered_stale);
    write_count(out, "discarded_local", &ledger->discarded_local);
    write_count(out, "queued", &ledger->queued);
    write_count(out, "spooled", &ledger->spooled);
    write_count(out, "handed_over", &ledger->handed_over);
    json_out_begin(out, "refused_by_status", '{');
    for (int i = 0; i < REFUSED_COUNT; i++)
        write_count(out, delivery_refusal_name((enum delivery_refusal)i), &ledger->refused[i]);
    json_out_end(out, '}');
    json_out_begin(out, "shed_by_reason", '{');
    for (int i = 0; i < UNSENT_COUNT; i++)
        write_count(out, delivery_shed_name((enum delivery_shed)i), &ledger->shed[i]);
    json_out_end(out, '}');
    json_out_number(out, "queued_bytes", load(&ledger->queued_bytes));
    json_out_number(out, "spooled_bytes", load(&ledger->spooled_bytes));
    json_out_number(out, "split", load(&ledger->split.payloads));
    json_out_number(out, "retries", load(&ledger->retries));
    json_out_number(out, "dead_letters", load(&ledger->dead_letters));
    json_out_number(out, "damaged_files", load(&ledger->damaged_files));
    json_out_number(out, "imbalance", load(&ledger->imbalance));
}

static void write_sums(struct json_out *out, const struct totals *sums)
{
    json_out_begin(out, "delivered", '{');
    json_out_number(out, "points", sums->delivered + sums->delivered_stale);
    json_out_number(out, "points_stale", sums->delivered_stale);
    json_out_number(out, "recovered", sums->recovered);
    json_out_number(out, "queued", sums->queued);
    json_out_number(out, "spooled", sums->spooled);
    json_out_number(out, "discarded_local", sums->local);
    json_out_number(out, "handed_over", sums->handed_over);
    json_out_number(out, "refused", sums->refused);
    json_out_number(out, "shed", sums->unsent);
    json_out_end(out, '}');
}

void status_write_ledger(struct json_out *out, const struct server_view *view)
{
    struct worker_ledger workers;
    struct totals sums;

    totals_workers(view, &workers);
    totals_read(view, &sums);
    json_out_begin(out, "ledger", '{');
    write_received(out, view, &sums);
    write_parsed(out, &workers, &sums);
    write_folded(out, view, &workers, &sums);
    write_encoded(out, view->flusher_ledger, &sums);
    write_sums(out, &sums);
    json_out_begin(out, "imbalance", '{');
    json_out_number(out, "lines", sums.lines_imbalance);
    json_out_number(out, "values", sums.values_imbalance);
    json_out_number(out, "points", sums.points_imbalance);
    json_out_end(out, '}');
    json_out_end(out, '}');
}

/* ---- the sinks --------------------------------------------------------- */

static const char *key_word(int key)
{
    return key == KEY_VALID ? "valid" : key == KEY_INVALID ? "invalid" : "unknown";
}

/* How the last request ended: by a status, or by an error before there was one. */
static void write_answer(struct json_out *out, const struct delivery_standing *now)
{
    int64_t answered_ms = atomic_load_explicit(&now->answered_ms, memory_order_relaxed);
    int status = atomic_load_explicit(&now->answer_status, memory_order_relaxed);
    int error = atomic_load_explicit(&now->answer_error, memory_order_relaxed);

    json_out_begin(out, "last_answer", '{');
    json_out_signed(out, "at_ms", answered_ms);
    json_out_signed(out, "status", status);
    json_out_text(out, "error",
                  answered_ms != 0 && status == 0 ? intake_error_name((enum intake_error)error)
                                                  : "");
    json_out_end(out, '}');
}

static void write_standing(struct json_out *out, const struct delivery_ledger *ledger,
                           int64_t monotonic_ms)
{
    const struct delivery_standing *now = &ledger->now;
    int state = atomic_load_explicit(&now->state, memory_order_relaxed);
    int64_t wait_ms =
        atomic_load_explicit(&now->retry_at_ms, memory_order_relaxed) - monotonic_ms;

    json_out_text(out, "state", delivery_state_name((enum delivery_state)state));
    json_out_signed(out, "failures",
                    atomic_load_explicit(&now->failures, memory_order_relaxed));
    json_out_signed(out, "retry_in_ms", state == DELIVERY_BLOCKED && wait_ms > 0 ? wait_ms : 0);
    json_out_signed(out, "in_flight",
                    atomic_load_explicit(&now->in_flight, memory_order_relaxed));
    json_out_signed(out, "last_success_ms",
                    atomic_load_explicit(&ledger->last_success_ms, memory_order_relaxed));
    json_out_signed(out, "clock_ahead_s",
                    atomic_load_explicit(&now->clock_ahead_s, memory_order_relaxed));
    write_answer(out, now);
}

static void write_sink(struct json_out *out, const struct status_moment *moment, size_t i)
{
    const struct server_view *view = moment->view;
    const struct delivery_ledger *ledger = &view->delivery_ledger[i];
    char url[INTAKE_URL_MAX + sizeof "***"] = "", key[INTAKE_MASK_MAX];

    if (view->sinks[i].base_url != NULL)
        settings_mask_url(view->sinks[i].base_url, url, sizeof url);
    intake_mask_key(view->sinks[i].api_key != NULL ? view->sinks[i].api_key : "", key);
    json_out_begin(out, NULL, '{');
    json_out_text(out, "name", account_at(view, i).label);
    json_out_text(out, "url", url);
    json_out_text(out, "key", key);
    json_out_text(out, "key_state",
                  key_word(atomic_load_explicit(&ledger->key, memory_order_relaxed)));
    write_standing(out, ledger, moment->monotonic_ms);
    write_account(out, ledger);
    json_out_begin(out, "errors", '{');
    for (int error = 0; error < ERROR_COUNT; error++)
        json_out_number(out, intake_error_name((enum intake_error)error),
                        load(&ledger->errors[error]));
    json_out_end(out, '}');
    json_out_end(out, '}');
}

void status_write_sinks(struct json_out *out, const struct status_moment *moment)
{
    json_out_begin(out, "endpoints", '[');
    for (size_t i = 0; i < moment->view->n_sinks; i++)
        write_sink(out, moment, i);
    json_out_end(out, ']');
}

void status_write_redis(struct json_out *out, const struct server_view *view)
{
    const struct mirror_ledger *mirror = view->mirror;

    if (mirror == NULL) {
        json_out_null(out, "redis");
        return;
    }
    json_out_begin(out, "redis", '{');
    json_out_bool(out, "up", load(&mirror->up) != 0);
    json_out_number(out, "duplicates", load(&mirror->duplicates));
    json_out_signed(
        out, "last_success_ms",
        atomic_load_explicit(&mirror->points.last_success_ms, memory_order_relaxed));
    write_account(out, &mirror->points);
    json_out_begin(out, "errors", '{');
    for (int i = 0; i < REDIS_FAILURE_COUNT; i++)
        json_out_number(out, redis_failure_name((enum redis_failure)i),
                        load(&mirror->failures[i]));
    for (int i = 0; i < MIRROR_ERROR_COUNT; i++)
        json_out_number(out, mirror_error_name((enum mirror_error)i), load(&mirror->errors[i]));
    json_out_end(out, '}');
    json_out_end(out, '}');
}
