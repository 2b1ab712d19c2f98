/* server/http/http_request.h: the bytes of an HTTP/1.1 request, read into a view.
 *
 *   POST /flush?wait=1 HTTP/1.1   method, path, query, minor
 *   Host: localhost:8127          headers; some have a meaning of their own below
 *   Content-Length: 2
 *                                 <- http_head_end() finds it
 *   ok                            body, plain or in chunks
 *
 * Pure functions: no allocation, no clock, no I/O. A request is a view of the head and
 * the body that it was read from. What two readers could understand in two ways (both
 * lengths, several lengths, folded lines, a bare CR, spaces before a colon) is refused.
 * Paths are compared as they were sent: no %-sequence in them is decoded. */
#ifndef SERVER_HTTP_HTTP_REQUEST_H
#define SERVER_HTTP_HTTP_REQUEST_H

#include <stdint.h>

#include "protocol/slice.h"

enum { HTTP_HEAD_MAX = 16 * 1024, HTTP_BODY_MAX = 64 * 1024 };

enum http_method {
    HTTP_GET = 1,
    HTTP_HEAD = 2,
    HTTP_POST = 4,
    HTTP_PUT = 8,
    HTTP_DELETE = 16,
    HTTP_OPTIONS = 32,
    HTTP_PATCH = 64,
    HTTP_ANY_METHOD = 127,
};

struct http_request {
    struct slice head; /* the bytes that all but the body was read from */
    enum http_method method;
    int minor;              /* of HTTP/1.x: 0 or 1 */
    struct slice path;      /* begins with '/'; or is "*"; static where a target has none */
    struct slice query;     /* behind the '?' */
    bool has_host;          /* a header Host, or an absolute target */
    struct slice authority; /* what that says: name or address, and perhaps a port */
    struct slice headers;   /* all their lines, for http_header() */
    struct slice body;      /* empty until it is there */
    uint64_t length;        /* Content-Length, or 0 */
    bool chunked;
    bool keeps_alive; /* the connection goes on afterwards */
    bool expects_100; /* the client waits to be told before it sends the body */
};

/* The length of the head that text begins with, its empty line included; 0: it is not
 * whole yet. *seen, 0 at first, is where the next call goes on with more of it. */
size_t http_head_end(const char *text, size_t len, size_t *seen);

/* Fills *out from a whole head. 0, or the status to refuse it with. */
int http_head_parse(struct http_request *out, struct slice head);

/* The first header of that name, without space around it. False: there is none, and *out is as
 * it was. */
bool http_header(const struct http_request *request, const char *name, struct slice *out);

/* The first parameter of that name in the query, decoded into room, which is as large as
 * the query; a '%' that begins no %XX is kept. False: there is none. */
bool http_parameter(struct slice query, const char *name, char *room, struct slice *out);

/* A part of the path, decoded into room, which is as large as the part; a '%' that begins no
 * %XX is kept. */
struct slice http_decode_part(struct slice part, char *room);

/* Whether two texts are the same but for the case of letters in ASCII. */
bool http_same_word(struct slice a, struct slice b);

/* ---- a body in chunks: { 0 } is ready ---------------------------------- */

struct http_chunks {
    int at; /* which part of the grammar comes next */
    int digits;
    uint64_t left;   /* of the chunk */
    size_t line_len; /* of an extension or the trailer */
    size_t body_len; /* decoded so far */
};

enum http_chunks_result {
    HTTP_CHUNKS_MORE,
    HTTP_CHUNKS_DONE,
    HTTP_CHUNKS_BAD,
    HTTP_CHUNKS_LARGE
};

/* Reads from bytes, and writes what it decodes to body + body_len, which may be the same
 * memory at or before bytes. *used: what it read; behind DONE stands the next request. */
enum http_chunks_result http_chunks_read(struct http_chunks *chunks, struct slice bytes,
                                         char *body, size_t body_max, size_t *used);

#endif
