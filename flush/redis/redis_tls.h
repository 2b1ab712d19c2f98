/* flush/redis/redis_tls.h: how a Redis proves by TLS that it is the one.
 *
 * TLS 1.2 or newer. The certificate must lead to an authority of the CA file, or
 * of the system when there is none, and must name the host that was asked for:
 * a name (which is also sent, SNI) or an address. */
#ifndef FLUSH_REDIS_REDIS_TLS_H
#define FLUSH_REDIS_REDIS_TLS_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

struct redis_tls;

/* Reads the file, so call it at the start and not on a loop. NULL, and why in words. Logs that
 * there is no validation, if there is none. */
struct redis_tls *redis_tls_new(const char *ca_file, bool skip_validation, char *problem,
                                size_t problem_size);
void redis_tls_free(struct redis_tls *given);

/* For one connection. Owned; NULL: no memory. */
SSL *redis_tls_session(struct redis_tls *tls, const char *host);

/* Why a connection failed, in words; code is OpenSSL's, 0: none. */
void redis_tls_failure(const SSL *ssl, unsigned long code, char *out, size_t out_size);

#endif
