#include "server/http/page.h"

#include <stdio.h>
#include <xxhash.h>

#include "server/http/desk.h"
#include "server/http/http_inflate.h"

enum { PLAIN_MAX = 4 << 20 };

/* The names are those that ld gives to the bytes of a file. */
#define PAGE_FILE(symbol, path, type, use)                    \
    extern const unsigned char _binary_##symbol##_gz_start[]; \
    extern const unsigned char _binary_##symbol##_gz_end[];
#include "server/http/page_table.h"

struct page_file {
    const char *path, *type;
    const unsigned char *start, *end; /* compressed by gzip */
};

#define PAGE_FILE(symbol, path, type, use) \
    { path, type, _binary_##symbol##_gz_start, _binary_##symbol##_gz_end },
static const struct page_file files[] = {
#include "server/http/page_table.h"
};

static const struct page_file *file_of(struct slice path)
{
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        if (slice_equal(path, slice_of(files[i].path)))
            return &files[i];
    return NULL;
}

static struct slice bytes_of(const struct page_file *file)
{
    return (struct slice){ (const char *)file->start, (size_t)(file->end - file->start) };
}

/* "gzip, br;q=0.5", but not "gzip;q=0". */
static bool takes_gzip(const struct http_request *request)
{
    struct slice list;

    if (!http_header(request, "Accept-Encoding", &list))
        return false;
    while (list.len > 0) {
        struct slice quality = slice_cut(&list, ',');
        struct slice name = slice_trim(slice_cut(&quality, ';'), " \t");

        quality = slice_trim(quality, " \t");
        if (http_same_word(name, SLICE("gzip")))
            return !slice_equal(quality, SLICE("q=0")) &&
                   !slice_starts(quality, SLICE("q=0.0"));
    }
    return false;
}

static void add_policy(struct desk_job *job)
{
    desk_add_header(job, "Content-Security-Policy",
                    "default-src 'none'; script-src 'self'; style-src 'self'; "
                    "img-src 'self' data:; connect-src 'self'; form-action 'self'; "
                    "base-uri 'none'; frame-ancestors 'none'");
    desk_add_header(job, "Referrer-Policy", "no-referrer");
    desk_add_header(job, "Cache-Control", "no-cache");
    desk_add_header(job, "Vary", "Accept-Encoding");
}

/* Says which version it is. True: the client has that one. */
static bool has_it(struct desk_job *job, const struct http_request *request, struct slice bytes,
                   bool compressed)
{
    char tag[32];
    struct slice known;

    snprintf(tag, sizeof tag, "\"%016llx%s\"",
             (unsigned long long)XXH3_64bits(bytes.at, bytes.len), compressed ? "" : "-plain");
    desk_add_header(job, "ETag", tag);
    return http_header(request, "If-None-Match", &known) && slice_equal(known, slice_of(tag));
}

void page_work(struct desk_job *given, const struct http_request *request, void *argument)
{
    const struct page_file *file = file_of(request->path);
    struct bytes body = { 0 };

    (void)argument;
    if (file == NULL) {
        desk_reply_text(given, 404, "text/plain; charset=utf-8", "no such file\n");
        return;
    }
    struct slice bytes = bytes_of(file);
    bool compressed = takes_gzip(request);
    add_policy(given);
    if (has_it(given, request, bytes, compressed)) {
        desk_reply(given, 304, file->type, &body);
        return;
    }
    if (compressed) {
        desk_add_header(given, "Content-Encoding", "gzip");
        bytes_add(&body, bytes.at, bytes.len);
    } else if (http_inflate(&body, SLICE("gzip"), bytes, PLAIN_MAX) != 0) {
        body.failed = true;
    }
    desk_reply(given, 200, file->type, &body);
}

static bool is_id(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!slice_is_one_of(text.at[i], "abcdefghijklmnopqrstuvwxyz"
                                         "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"))
            return false;
    return text.len > 0 && text.len <= 64;
}

enum { QUERY_MAX = 1024 };

/* What a link says besides, as tpl_var_host=web-1; only what a header may say. */
static struct slice said_by_link(const struct http_request *request)
{
    struct slice query = request->query;

    for (size_t i = 0; i < query.len; i++)
        if (query.at[i] <= ' ' || query.at[i] > '~')
            return SLICE("");
    return query.len > 0 && query.len <= QUERY_MAX ? query : SLICE("");
}

static void lead_to(struct http_exchange *exchange, const char *location)
{
    http_add_header(exchange, "Location", location);
    http_reply_text(exchange, 303, "text/plain; charset=utf-8", "the page shows it\n");
}

void page_on_dashboard(struct http_exchange *exchange, const struct http_request *request,
                       void *argument)
{
    struct slice rest = slice_skip(request->path, 1), said = said_by_link(request);
    char location[QUERY_MAX + 128];

    (void)argument;
    (void)slice_cut(&rest, '/');
    struct slice id = slice_cut(&rest, '/');

    if (!is_id(id)) {
        http_reply_text(exchange, 404, "text/plain; charset=utf-8",
                        "no dashboard has this id\n");
        return;
    }
    snprintf(location, sizeof location, "/#/dashboard?%.*s%sid=%.*s", (int)said.len, said.at,
             said.len > 0 ? "&" : "", (int)id.len, id.at);
    lead_to(exchange, location);
}

void page_on_event(struct http_exchange *exchange, const struct http_request *request,
                   void *argument)
{
    (void)request, (void)argument;
    lead_to(exchange, "/#/events");
}
