/* tests/support/vectors_payloads.h: one line of payloads.jsonl against the encoders. */
#ifndef TESTS_SUPPORT_VECTORS_PAYLOADS_H
#define TESTS_SUPPORT_VECTORS_PAYLOADS_H

#include <jansson.h>
#include <stddef.h>

enum vector_result { VECTOR_PASS, VECTOR_FAIL, VECTOR_UNSUPPORTED };

/* Encodes "input" and compares with "hex" byte for byte; why is filled on VECTOR_FAIL.
 * Columnar (v3) payloads are not supported. */
enum vector_result vector_payload(const json_t *vector, char *why, size_t why_size);

#endif
