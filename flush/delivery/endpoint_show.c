/* How an endpoint stands: written into the ledger whenever it may have changed, so that who
 * wants to know asks no thread. */
#include "config/clock.h"
#include "flush/delivery/endpoint.h"

static void put(_Atomic(int) *into, int value)
{
    atomic_store_explicit(into, value, memory_order_relaxed);
}

static void put_time(_Atomic(int64_t) *into, int64_t value)
{
    atomic_store_explicit(into, value, memory_order_relaxed);
}

static enum delivery_state state_of(const struct endpoint *endpoint)
{
    if (endpoint->held)
        return DELIVERY_KEY_REFUSED;
    switch (endpoint->backoff.state) {
    case BACKOFF_BLOCKED:
        return DELIVERY_BLOCKED;
    case BACKOFF_HALF_BLOCKED:
        return DELIVERY_PROBING;
    case BACKOFF_UNBLOCKED:
        break;
    }
    return DELIVERY_SENDING;
}

void endpoint_show(const struct endpoint *endpoint)
{
    struct delivery_standing *now = &endpoint->ledger->now;

    put(&now->state, (int)state_of(endpoint));
    put(&now->failures, endpoint->backoff.errors);
    put(&now->in_flight, endpoint->in_flight);
    put_time(&now->retry_at_ms, endpoint->backoff.until_ms);
}

void endpoint_show_answer(const struct request *request, CURLcode code)
{
    struct delivery_standing *now = &request->endpoint->ledger->now;
    int64_t now_ms = clock_wall_ms(), date_s;

    put(&now->answer_status, code == CURLE_OK ? (int)intake_request_status(&request->http) : 0);
    if (code != CURLE_OK)
        put(&now->answer_error, (int)intake_classify(code));
    else if (intake_request_date(&request->http, &date_s))
        put_time(&now->clock_ahead_s, date_s - now_ms / 1000);
    put_time(&now->answered_ms, now_ms);
}
