/* server/receive/fingerprint.h: 128 bits for what a context is: its name, its raw tag section
 * and the kind of its cell.
 *
 * Nobody compares the bytes afterwards, so two identities must never have the same hash:
 * not by accident, and not because a sender wants it, which a random secret of the
 * process prevents. There are two ways to hash, chosen by what the processor can do. A
 * hash never leaves the process, so they need not agree.
 *
 *   vector    64 bytes at once. Each 16 of them are masked with a part of the secret
 *             that belongs to their place alone, and go through four rounds of AES. All
 *             that comes out is added up (xor), with the two lengths and the kind.
 *             For different bytes the sums are equal only if four rounds turn their
 *             difference into one that a sender foresaw: with a chance of 2^-113 at most.
 *   portable  XXH3 of name and of tags under the secret, joined by odd multipliers. */
#ifndef SERVER_RECEIVE_FINGERPRINT_H
#define SERVER_RECEIVE_FINGERPRINT_H

#include <stdint.h>

#include "protocol/slice.h"

struct fingerprint {
    uint64_t low, high;
};

/* Once per process. False when the system has no random bytes. */
bool fingerprint_make_secret(void);

/* kind: any number below 16. */
struct fingerprint fingerprint_hash(struct slice name, struct slice tags, unsigned kind);

/* What fingerprint_hash() chooses from. */
struct fingerprint fingerprint_hash_portable(struct slice name, struct slice tags,
                                             unsigned kind);
bool fingerprint_has_vector(void);
#ifdef __x86_64__
struct fingerprint fingerprint_hash_vector(struct slice name, struct slice tags, unsigned kind);
#endif

#endif
