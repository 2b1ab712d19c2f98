#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/http/http_handler.h"
#include "tests/support/raw_http.h"
#include "tests/support/running.h"

#define PAGE_FILE(symbol, path, type, use)                    \
    extern const unsigned char _binary_##symbol##_gz_start[]; \
    extern const unsigned char _binary_##symbol##_gz_end[];
#include "server/http/page_table.h"

#define FOLDER "server/http/page"

enum { PAGE_BYTES_MAX = 144 * 1024 };

static struct running running;
static int port;

static int open_server(void **state)
{
    (void)state;
    if (!RUNNING_START(&running, NULL, "heeler_http_listen=127.0.0.1:0"))
        return -1;
    port = server_http_port(running.server);
    return 0;
}

static int close_server(void **state)
{
    (void)state;
    bool stopped = running_stop(&running);
    running_free(&running);
    return stopped ? 0 : -1;
}

static int ask(const char *headers, struct raw_answer *out)
{
    char request[1024];

    snprintf(request, sizeof request,
             "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s\r\n", headers);
    return raw_ask(running.base, port, request, strlen(request), out);
}

static void the_page_may_load_nothing_from_elsewhere(void **state)
{
    static const char *const headers[] = {
        "Content-Security-Policy: default-src 'none'; script-src 'self';",
        "frame-ancestors 'none'\r\n",
        "Content-Type: text/html; charset=utf-8\r\n",
        "X-Content-Type-Options: nosniff\r\n",
        "Referrer-Policy: no-referrer\r\n",
        "<!doctype html>",
    };
    struct raw_answer answer;
    (void)state;

    assert_int_equal(ask("", &answer), 200);
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++)
        if (strstr(answer.text, headers[i]) == NULL)
            fail_msg("no %s in %s", headers[i], answer.text);
    assert_null(strstr(answer.text, "Content-Encoding"));
}

static void it_is_sent_as_it_is_kept(void **state)
{
    static const struct {
        const char *header;
        bool compressed;
    } cases[] = {
        { "Accept-Encoding: gzip, deflate, br\r\n", true },
        { "Accept-Encoding: br;q=1, GZIP ; q=0.5\r\n", true },
        { "Accept-Encoding: gzip;q=0\r\n", false },
        { "Accept-Encoding: gzip; q=0.000\r\n", false },
        { "Accept-Encoding: br, gzipped\r\n", false },
        { "Accept-Encoding:\r\n", false },
    };
    struct raw_answer answer;
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(ask(cases[i].header, &answer), 200);
        if ((strstr(answer.text, "Content-Encoding: gzip\r\n") != NULL) != cases[i].compressed)
            fail_msg("%s", cases[i].header);
    }
}

static void a_browser_keeps_what_has_not_changed(void **state)
{
    struct raw_answer answer;
    char header[128];
    (void)state;

    assert_int_equal(ask("Accept-Encoding: gzip\r\n", &answer), 200);
    const char *tag = strstr(answer.text, "ETag: ");
    assert_non_null(tag);
    snprintf(header, sizeof header, "Accept-Encoding: gzip\r\nIf-None-Match: %.*s\r\n",
             (int)strcspn(tag + 6, "\r"), tag + 6);
    assert_int_equal(ask(header, &answer), 304);
    assert_int_equal(answer.body_len, 0);
    assert_null(strstr(answer.text, "Content-Length"));
    assert_int_equal(ask("If-None-Match: \"0\"\r\n", &answer), 200);
}

static void a_link_leads_to_the_page_and_to_nothing_else(void **state)
{
    static const char link[] = "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\n"
                               "Sec-Fetch-Dest: document\r\n",
                      frame[] = "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\n"
                                "Sec-Fetch-Dest: iframe\r\n",
                      status[] = "GET /api/v1/status HTTP/1.1\r\nConnection: close\r\n"
                                 "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\n"
                                 "Sec-Fetch-Dest: document\r\n\r\n";
    struct raw_answer answer;
    (void)state;

    assert_int_equal(ask(link, &answer), 200);
    assert_int_equal(ask(frame, &answer), 403);
    assert_int_equal(raw_ask(running.base, port, status, sizeof status - 1, &answer), 403);
}

struct page_row {
    const char *symbol, *path, *type;
};

static const struct page_row rows[] = {
#define PAGE_FILE(symbol, path, type, use) { #symbol, path, type },
#include "server/http/page_table.h"
};

enum { ROWS = sizeof rows / sizeof rows[0] };

static void every_file_is_served_under_the_policy(void **state)
{
    struct raw_answer answer;
    char request[512], type[128];
    (void)state;

    for (size_t i = 0; i < ROWS; i++) {
        snprintf(request, sizeof request,
                 "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                 "Sec-Fetch-Site: same-origin\r\nAccept-Encoding: gzip\r\n\r\n",
                 rows[i].path);
        snprintf(type, sizeof type, "Content-Type: %s\r\n", rows[i].type);
        if (raw_ask(running.base, port, request, strlen(request), &answer) != 200 ||
            strstr(answer.text, type) == NULL || answer.body_len == 0 ||
            strstr(answer.text, "Content-Encoding: gzip\r\n") == NULL ||
            strstr(answer.text, "default-src 'none'") == NULL ||
            strstr(answer.text, "ETag: \"") == NULL)
            fail_msg("%s: %.400s", rows[i].path, answer.text);
    }
}

static bool is_row(const char *symbol)
{
    for (size_t i = 0; i < ROWS; i++)
        if (strcmp(rows[i].symbol, symbol) == 0)
            return true;
    return false;
}

/* The path of a file below the folder as page_table.h has it. */
static void make_symbol(const char *path, char *out)
{
    for (; *path != '\0'; path++)
        *out++ = isalnum((unsigned char)*path) ? *path : '_';
    *out = '\0';
}

static void check_folder(const char *below)
{
    char path[512], name[512], symbol[512];
    struct dirent *entry;

    snprintf(path, sizeof path, FOLDER "/%s", below);
    DIR *folder = opendir(path);
    assert_non_null(folder);
    while ((entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] == '.' || strcmp(entry->d_name, "README.md") == 0)
            continue;
        snprintf(name, sizeof name, "%s%.200s", below, entry->d_name);
        if (entry->d_type == DT_DIR) {
            strcat(name, "/");
            check_folder(name);
            continue;
        }
        make_symbol(name, symbol);
        if (!is_row(symbol))
            fail_msg(FOLDER "/%s has no row in page_table.h", name);
    }
    closedir(folder);
}

static void every_file_has_a_row(void **state)
{
    (void)state;
    check_folder("");
}

static void all_of_it_is_small(void **state)
{
    size_t bytes = 0
#define PAGE_FILE(symbol, path, type, use) \
    +(size_t)(_binary_##symbol##_gz_end - _binary_##symbol##_gz_start)
#include "server/http/page_table.h"
        ;
    (void)state;

    assert_true(bytes <= PAGE_BYTES_MAX);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_server, close_server)
    const struct CMUnitTest tests[] = {
        TEST(the_page_may_load_nothing_from_elsewhere),
        TEST(it_is_sent_as_it_is_kept),
        TEST(a_browser_keeps_what_has_not_changed),
        TEST(a_link_leads_to_the_page_and_to_nothing_else),
        TEST(every_file_is_served_under_the_policy),
        cmocka_unit_test(every_file_has_a_row),
        cmocka_unit_test(all_of_it_is_small),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
