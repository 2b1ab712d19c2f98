#include "flush/redis/redis_tls.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/address.h"
#include "config/log.h"

struct redis_tls {
    SSL_CTX *context;
    bool skip_validation;
};

static bool trust(SSL_CTX *context, const char *ca_file)
{
    if (ca_file == NULL || ca_file[0] == '\0')
        return SSL_CTX_set_default_verify_paths(context) == 1;
    return SSL_CTX_load_verify_locations(context, ca_file, NULL) == 1;
}

struct redis_tls *redis_tls_new(const char *ca_file, bool skip_validation, char *problem,
                                size_t problem_size)
{
    struct redis_tls *tls = calloc(1, sizeof *tls);

    if (tls != NULL)
        tls->context = SSL_CTX_new(TLS_client_method());
    if (tls == NULL || tls->context == NULL) {
        free(tls);
        snprintf(problem, problem_size, "no memory for TLS");
        return NULL;
    }
    tls->skip_validation = skip_validation;
    SSL_CTX_set_min_proto_version(tls->context, TLS1_2_VERSION);
    SSL_CTX_set_options(tls->context, SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_verify(tls->context, skip_validation ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
    if (!skip_validation && !trust(tls->context, ca_file)) {
        const char *why = ERR_reason_error_string(ERR_peek_last_error());

        snprintf(problem, problem_size, "no certificates of authorities in \"%s\": %s",
                 ca_file != NULL ? ca_file : "", why != NULL ? why : "nothing there");
        ERR_clear_error();
        redis_tls_free(tls);
        return NULL;
    }
    if (skip_validation)
        log_warn(
            "redis: any certificate of the server is accepted: the password can be stolen");
    return tls;
}

void redis_tls_free(struct redis_tls *given)
{
    if (given == NULL)
        return;
    SSL_CTX_free(given->context);
    free(given);
}

static bool is_numeric(const char *host)
{
    unsigned char ignored[sizeof(struct in6_addr)];

    return inet_pton(AF_INET, host, ignored) == 1 || inet_pton(AF_INET6, host, ignored) == 1;
}

/* A certificate names the host without the dot at the end of an absolute name. */
static bool expect_host(SSL *ssl, const char *host)
{
    char name[ADDRESS_HOST_MAX];
    size_t len = strlen(host);

    if (is_numeric(host))
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
    snprintf(name, sizeof name, "%.*s", (int)(len > 1 && host[len - 1] == '.' ? len - 1 : len),
             host);
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set_tlsext_host_name(ssl, name) == 1 && SSL_set1_host(ssl, name) == 1;
}

SSL *redis_tls_session(struct redis_tls *tls, const char *host)
{
    SSL *ssl = SSL_new(tls->context);

    if (ssl != NULL && !expect_host(ssl, host)) {
        SSL_free(ssl);
        ssl = NULL;
    }
    return ssl;
}

void redis_tls_failure(const SSL *ssl, unsigned long code, char *out, size_t out_size)
{
    long verdict = ssl != NULL ? SSL_get_verify_result(ssl) : X509_V_OK;
    const char *why = code != 0 ? ERR_reason_error_string(code) : NULL;

    if (verdict != X509_V_OK && ssl != NULL && SSL_get_verify_mode(ssl) != SSL_VERIFY_NONE)
        snprintf(out, out_size, "the certificate is not accepted: %s",
                 X509_verify_cert_error_string(verdict));
    else if (code != 0 && ERR_GET_REASON(code) == SSL_R_WRONG_VERSION_NUMBER)
        snprintf(out, out_size, "the server does not speak TLS at this port");
    else
        snprintf(out, out_size, "the TLS handshake failed: %s",
                 why != NULL ? why : "the connection was closed");
}
