#include "server/http/http_request.h"

#include <strings.h>

enum { CHUNK_LINES_MAX = 4096, CHUNK_DIGITS_MAX = 16 };

/* ---- characters -------------------------------------------------------- */

/* What RFC 9110 calls a token: methods and names of headers. */
static bool is_token_byte(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') ||
           (byte != '\0' && strchr("!#$%&'*+-.^_`|~", byte) != NULL);
}

static bool is_token(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!is_token_byte(text.at[i]))
            return false;
    return text.len > 0;
}

/* Bytes beyond ASCII are taken as they are: people type names into curl. */
static bool is_target(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.at[i] <= ' ' || text.at[i] == 0x7f)
            return false;
    return text.len > 0;
}

static bool is_value(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (((unsigned char)text.at[i] < ' ' && text.at[i] != '\t') || text.at[i] == 0x7f)
            return false;
    return true;
}

bool http_same_word(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || strncasecmp(a.at, b.at, a.len) == 0);
}

static bool is_word(struct slice text, const char *word)
{
    return http_same_word(text, slice_of(word));
}

/* ---- the head's end ---------------------------------------------------- */

size_t http_head_end(const char *text, size_t len, size_t *seen)
{
    while (*seen < len) {
        const char *newline = memchr(text + *seen, '\n', len - *seen);

        *seen = newline != NULL ? (size_t)(newline - text) : len;
        size_t behind = len - *seen; /* with the newline */
        if (behind >= 2 && newline[1] == '\n')
            return *seen + 2;
        if (behind >= 3 && newline[1] == '\r' && newline[2] == '\n')
            return *seen + 3;
        if (behind < 2 || (behind == 2 && newline[1] == '\r'))
            return 0; /* what decides is still on its way */
        ++*seen;
    }
    return 0;
}

/* ---- the request line -------------------------------------------------- */

static int read_version(struct http_request *out, struct slice text)
{
    static const struct slice name = { "HTTP/", 5 };

    if (text.len != 8 || !slice_starts(text, name) || text.at[6] != '.' || text.at[5] < '0' ||
        text.at[5] > '9' || text.at[7] < '0' || text.at[7] > '9')
        return 400;
    if (text.at[5] != '1') /* 2 and 3 exist, and are not spoken here */
        return text.at[5] == '2' || text.at[5] == '3' ? 505 : 400;
    out->minor = text.at[7] > '0';
    return 0;
}

static int read_method(struct http_request *out, struct slice text)
{
    static const struct {
        const char *name;
        enum http_method method;
    } methods[] = {
        { "GET", HTTP_GET },     { "HEAD", HTTP_HEAD },     { "POST", HTTP_POST },
        { "PUT", HTTP_PUT },     { "DELETE", HTTP_DELETE }, { "OPTIONS", HTTP_OPTIONS },
        { "PATCH", HTTP_PATCH },
    };

    if (!is_token(text))
        return 400;
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        if (slice_equal(text, slice_of(methods[i].name))) {
            out->method = methods[i].method;
            return 0;
        }
    }
    return 501;
}

/* "http://authority/path" as a proxy would be asked; *target keeps what begins with '/'. */
static bool cut_scheme(struct http_request *out, struct slice *target)
{
    static const char *const schemes[] = { "http://", "https://" };

    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        size_t len = strlen(schemes[i]);

        if (target->len < len || strncasecmp(target->at, schemes[i], len) != 0)
            continue;
        struct slice rest = slice_skip(*target, len);
        size_t end = 0;
        while (end < rest.len && rest.at[end] != '/' && rest.at[end] != '?')
            end++;
        out->authority = (struct slice){ rest.at, end };
        out->has_host = true;
        *target = slice_skip(rest, end);
        return end > 0 && memchr(rest.at, '@', end) == NULL;
    }
    return false;
}

static int read_target(struct http_request *out, struct slice target)
{
    if (!is_target(target))
        return 400;
    if (target.at[0] != '/' && !(out->method == HTTP_OPTIONS && is_word(target, "*")) &&
        !cut_scheme(out, &target))
        return 400;
    struct slice path = slice_cut(&target, '?');
    out->path = path.len > 0 ? path : SLICE("/");
    out->query = target;
    return 0;
}

static int read_request_line(struct http_request *out, struct slice line)
{
    size_t end = line.len;

    while (end > 0 && line.at[end - 1] != ' ')
        end--;
    if (end == 0)
        return 400;
    struct slice method_and_target = { line.at, end - 1 };
    int status = read_version(out, slice_skip(line, end));
    if (status != 0)
        return status;
    status = read_method(out, slice_cut(&method_and_target, ' '));
    return status != 0 ? status : read_target(out, method_and_target);
}

/* ---- headers ----------------------------------------------------------- */

static struct slice next_line(struct slice *rest)
{
    struct slice line = slice_cut(rest, '\n');

    if (line.len > 0 && line.at[line.len - 1] == '\r')
        line.len--;
    return line;
}

/* False: it is no header. A line that goes on from the one before begins with a space. */
static bool read_header(struct slice line, struct slice *name, struct slice *value)
{
    *value = line;
    *name = slice_cut(value, ':');
    if (name->len == line.len || !is_token(*name))
        return false;
    *value = slice_trim(*value, " \t");
    return is_value(*value);
}

/* What was seen of the headers that must not be there twice or together. */
struct framing {
    bool has_header_host, has_length, has_encoding;
};

static int read_length(struct http_request *out, struct framing *framing, struct slice value)
{
    uint64_t length = 0;

    for (size_t i = 0; i < value.len; i++)
        if (value.at[i] < '0' || value.at[i] > '9')
            return 400;
    if (value.len == 0)
        return 400;
    for (size_t i = 0; i < value.len; i++) {
        if (length > UINT32_MAX)
            return 413;
        length = length * 10 + (uint64_t)(value.at[i] - '0');
    }
    if (framing->has_length && length != out->length)
        return 400;
    framing->has_length = true;
    out->length = length;
    return 0;
}

static int read_encoding(struct http_request *out, struct framing *framing, struct slice value)
{
    if (framing->has_encoding || out->minor == 0)
        return 400;
    framing->has_encoding = true;
    out->chunked = true;
    return is_word(value, "chunked") ? 0 : 501;
}

/* That of an absolute target goes before it, as RFC 9112 wants. */
static int read_host(struct http_request *out, struct framing *framing, struct slice value)
{
    if (framing->has_header_host)
        return 400;
    framing->has_header_host = true;
    if (!out->has_host)
        out->authority = value;
    out->has_host = true;
    return 0;
}

static void read_connection(struct http_request *out, struct slice value)
{
    while (value.len > 0) {
        struct slice word = slice_trim(slice_cut(&value, ','), " \t");

        if (is_word(word, "close")) {
            out->keeps_alive = false;
            return;
        }
        if (is_word(word, "keep-alive"))
            out->keeps_alive = true;
    }
}

static int read_meaning(struct http_request *out, struct framing *framing, struct slice name,
                        struct slice value)
{
    if (is_word(name, "Content-Length"))
        return read_length(out, framing, value);
    if (is_word(name, "Transfer-Encoding"))
        return read_encoding(out, framing, value);
    if (is_word(name, "Host"))
        return read_host(out, framing, value);
    if (is_word(name, "Connection"))
        read_connection(out, value);
    if (!is_word(name, "Expect"))
        return 0;
    out->expects_100 = out->minor > 0;
    return is_word(value, "100-continue") ? 0 : 417;
}

int http_head_parse(struct http_request *out, struct slice head)
{
    struct framing framing = { false, false, false };
    struct slice name, value, line;

    *out = (struct http_request){ .head = head };
    line = next_line(&head);
    int status = read_request_line(out, line);
    out->keeps_alive = out->minor > 0;
    out->headers = head;
    while (status == 0 && (line = next_line(&head)).len > 0)
        status =
            read_header(line, &name, &value) ? read_meaning(out, &framing, name, value) : 400;
    if (status == 0 && framing.has_length && framing.has_encoding)
        status = 400;
    return status;
}

bool http_header(const struct http_request *request, const char *name, struct slice *out)
{
    struct slice rest = request->headers, line, found, value;

    while ((line = next_line(&rest)).len > 0)
        if (read_header(line, &found, &value) && is_word(found, name)) {
            *out = value;
            return true;
        }
    return false;
}

/* ---- the query --------------------------------------------------------- */

static int hex_digit(char byte)
{
    return byte >= '0' && byte <= '9'   ? byte - '0'
           : byte >= 'a' && byte <= 'f' ? byte - 'a' + 10
           : byte >= 'A' && byte <= 'F' ? byte - 'A' + 10
                                        : -1;
}

/* plus: what a plus stands for. */
static size_t decode(struct slice text, char plus, char *room)
{
    size_t n = 0;

    for (size_t i = 0; i < text.len; i++) {
        int high = i + 2 < text.len ? hex_digit(text.at[i + 1]) : -1;
        int low = i + 2 < text.len ? hex_digit(text.at[i + 2]) : -1;

        if (text.at[i] == '%' && high >= 0 && low >= 0) {
            room[n++] = (char)(high * 16 + low);
            i += 2;
        } else {
            room[n++] = text.at[i] == '+' ? plus : text.at[i];
        }
    }
    return n;
}

bool http_parameter(struct slice query, const char *name, char *room, struct slice *out)
{
    while (query.len > 0) {
        struct slice value = slice_cut(&query, '&');
        struct slice key = slice_cut(&value, '=');

        if (!slice_equal((struct slice){ room, decode(key, ' ', room) }, slice_of(name)))
            continue;
        *out = (struct slice){ room, decode(value, ' ', room) };
        return true;
    }
    return false;
}

struct slice http_decode_part(struct slice part, char *room)
{
    return (struct slice){ room, decode(part, '+', room) };
}

/* ---- chunks ------------------------------------------------------------ */

enum {
    AT_SIZE,
    AT_EXTENSION,
    AT_SIZE_LF,
    AT_DATA,
    AT_DATA_CR,
    AT_DATA_LF,
    AT_TRAILER_START,
    AT_TRAILER,
    AT_TRAILER_LF,
    AT_LAST_LF,
    AT_END
};

static enum http_chunks_result size_ends(struct http_chunks *chunks, char byte)
{
    if (chunks->digits == 0)
        return HTTP_CHUNKS_BAD;
    if (byte == '\r')
        chunks->at = AT_SIZE_LF;
    else if (byte == ';' || byte == ' ' || byte == '\t')
        chunks->at = AT_EXTENSION;
    else
        return HTTP_CHUNKS_BAD;
    return HTTP_CHUNKS_MORE;
}

static enum http_chunks_result take_size(struct http_chunks *chunks, char byte)
{
    int digit = hex_digit(byte);

    if (digit < 0)
        return size_ends(chunks, byte);
    if (++chunks->digits > CHUNK_DIGITS_MAX)
        return HTTP_CHUNKS_BAD;
    chunks->left = chunks->left * 16 + (uint64_t)digit;
    return HTTP_CHUNKS_MORE;
}

/* One byte that must be there, then what follows it. */
static enum http_chunks_result expect(struct http_chunks *chunks, bool there, int next)
{
    chunks->at = next;
    return there ? HTTP_CHUNKS_MORE : HTTP_CHUNKS_BAD;
}

/* A byte of an extension or of the trailer, which nobody reads. */
static enum http_chunks_result skip_line(struct http_chunks *chunks, char byte, int next)
{
    if (byte == '\r')
        chunks->at = next;
    else if (((unsigned char)byte < ' ' && byte != '\t') ||
             ++chunks->line_len > CHUNK_LINES_MAX)
        return HTTP_CHUNKS_BAD;
    return HTTP_CHUNKS_MORE;
}

static enum http_chunks_result take_byte(struct http_chunks *chunks, char byte)
{
    switch (chunks->at) {
    case AT_SIZE:
        return take_size(chunks, byte);
    case AT_EXTENSION:
        return skip_line(chunks, byte, AT_SIZE_LF);
    case AT_SIZE_LF:
        return expect(chunks, byte == '\n', chunks->left > 0 ? AT_DATA : AT_TRAILER_START);
    case AT_DATA_CR:
        return expect(chunks, byte == '\r', AT_DATA_LF);
    case AT_DATA_LF:
        chunks->digits = 0;
        return expect(chunks, byte == '\n', AT_SIZE);
    case AT_TRAILER_START:
        chunks->at = AT_TRAILER;
        if (byte == '\r')
            return expect(chunks, true, AT_LAST_LF);
        return skip_line(chunks, byte, AT_TRAILER_LF);
    case AT_TRAILER:
        return skip_line(chunks, byte, AT_TRAILER_LF);
    case AT_TRAILER_LF:
        return expect(chunks, byte == '\n', AT_TRAILER_START);
    default: /* AT_LAST_LF */
        chunks->at = AT_END;
        return byte == '\n' ? HTTP_CHUNKS_DONE : HTTP_CHUNKS_BAD;
    }
}

static size_t take_data(struct http_chunks *chunks, struct slice bytes, char *body)
{
    size_t n = bytes.len < chunks->left ? bytes.len : (size_t)chunks->left;

    memmove(body + chunks->body_len, bytes.at, n);
    chunks->body_len += n;
    chunks->left -= n;
    if (chunks->left == 0)
        chunks->at = AT_DATA_CR;
    return n;
}

enum http_chunks_result http_chunks_read(struct http_chunks *chunks, struct slice bytes,
                                         char *body, size_t body_max, size_t *used)
{
    enum http_chunks_result result = HTTP_CHUNKS_MORE;

    *used = 0;
    while (result == HTTP_CHUNKS_MORE && *used < bytes.len) {
        if (chunks->at == AT_DATA)
            *used += take_data(chunks, slice_skip(bytes, *used), body);
        else
            result = take_byte(chunks, bytes.at[(*used)++]);
        if (result == HTTP_CHUNKS_MORE && chunks->left > body_max - chunks->body_len)
            return HTTP_CHUNKS_LARGE;
    }
    return result;
}
