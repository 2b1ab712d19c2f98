/* tests/support/certificate.h: certificates for the servers of one test. */
#ifndef TESTS_SUPPORT_CERTIFICATE_H
#define TESTS_SUPPORT_CERTIFICATE_H

#include <openssl/x509.h>

#include "tests/support/temp_file.h"

/* Who signs: made once, freed by its maker. */
struct authority {
    EVP_PKEY *key;
    X509 *certificate;
};

void authority_make(struct authority *authority);
void authority_free(struct authority *given);
void authority_write(const struct authority *authority, char path[TEMP_PATH_SIZE]);

/* For a host as OpenSSL writes it ("DNS:localhost", "IP:127.0.0.1"), good from an
 * hour ago for that many seconds; certificate and key are written to files. */
void certificate_write(const struct authority *authority, const char *host, long seconds,
                       char certificate[TEMP_PATH_SIZE], char key[TEMP_PATH_SIZE]);

#endif
