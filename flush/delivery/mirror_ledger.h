/* flush/delivery/mirror_ledger.h: the account of the mirror's sink.
 *
 * Written by the delivery thread alone. points: accepted + recovered = delivered + refused
 * + shed + queued + handed_over; what is sent again is not counted again. */
#ifndef FLUSH_DELIVERY_MIRROR_LEDGER_H
#define FLUSH_DELIVERY_MIRROR_LEDGER_H

#include "flush/delivery/delivery_ledger.h"
#include "flush/delivery/mirror_error.h"
#include "flush/redis/redis_client.h"

struct mirror_ledger {
    struct delivery_ledger points;
    _Atomic(uint64_t) failures[REDIS_FAILURE_COUNT]; /* connections lost or not made */
    _Atomic(uint64_t) errors[MIRROR_ERROR_COUNT];    /* answers */
    _Atomic(uint64_t) up;                            /* 1 or 0 */
    _Atomic(uint64_t) duplicates; /* other instances that live under this host name */
};

#endif
