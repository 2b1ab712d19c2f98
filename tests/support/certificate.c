#include "tests/support/certificate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

enum { AN_HOUR = 3600 };

static void write_pem(BIO *given, char path[TEMP_PATH_SIZE])
{
    char *at;
    long len = BIO_get_mem_data(given, &at);

    temp_file_write(path, at, (size_t)len);
    BIO_free(given);
}

static void write_certificate(X509 *certificate, char path[TEMP_PATH_SIZE])
{
    BIO *memory = BIO_new(BIO_s_mem());

    assert_int_equal(PEM_write_bio_X509(memory, certificate), 1);
    write_pem(memory, path);
}

static void extend(X509 *certificate, int what, const char *value)
{
    X509V3_CTX context;

    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, what, value);

    assert_non_null(extension);
    assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

static X509 *make(EVP_PKEY *key, const char *name, const char *issuer, long seconds)
{
    static long serial;
    X509 *certificate = X509_new();

    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -AN_HOUR);
    X509_gmtime_adj(X509_getm_notAfter(certificate), seconds - AN_HOUR);
    X509_set_pubkey(certificate, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                               (const unsigned char *)name, -1, -1, 0);
    X509_NAME_add_entry_by_txt(X509_get_issuer_name(certificate), "CN", MBSTRING_ASC,
                               (const unsigned char *)issuer, -1, -1, 0);
    return certificate;
}

void authority_make(struct authority *authority)
{
    authority->key = EVP_EC_gen("P-256");
    assert_non_null(authority->key);
    authority->certificate =
        make(authority->key, "an authority", "an authority", (long)48 * AN_HOUR);
    extend(authority->certificate, NID_basic_constraints, "critical,CA:TRUE");
    assert_true(X509_sign(authority->certificate, authority->key, EVP_sha256()) > 0);
}

void authority_free(struct authority *given)
{
    EVP_PKEY_free(given->key);
    X509_free(given->certificate);
}

void authority_write(const struct authority *authority, char path[TEMP_PATH_SIZE])
{
    write_certificate(authority->certificate, path);
}

void certificate_write(const struct authority *authority, const char *host, long seconds,
                       char certificate[TEMP_PATH_SIZE], char key[TEMP_PATH_SIZE])
{
    EVP_PKEY *own = EVP_EC_gen("P-256");
    X509 *made = make(own, "a server", "an authority", seconds);
    BIO *memory = BIO_new(BIO_s_mem());

    extend(made, NID_subject_alt_name, host);
    assert_true(X509_sign(made, authority->key, EVP_sha256()) > 0);
    write_certificate(made, certificate);
    assert_int_equal(PEM_write_bio_PrivateKey(memory, own, NULL, NULL, 0, NULL, NULL), 1);
    write_pem(memory, key);
    X509_free(made);
    EVP_PKEY_free(own);
}
