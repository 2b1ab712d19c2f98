#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "protocol/check.h"
#include "protocol/event.h"
#include "protocol/fault.h"

/* The byte at fault of each line. A row at least for each reason. */
static const struct {
    const char *line;
    enum parse_result why;
    size_t at;
} rows[] = {
    { "hits", PARSE_NO_TYPE, 4 }, /* the pipe is missing */
    { "hits:1", PARSE_NO_TYPE, 6 },
    { "hits|c", PARSE_NO_COLON, 4 }, /* a pipe stands where the colon should */
    { ":1|c", PARSE_NO_NAME, 0 },
    { "hits:|c", PARSE_NO_VALUE, 5 }, /* the pipe stands where the value should */
    { "hits:one|c", PARSE_BAD_VALUE, 5 },
    { "hits:1:2:x:3|c", PARSE_BAD_VALUE, 9 }, /* the third of four */
    { "hits:1::x|c", PARSE_BAD_VALUE, 8 },    /* an empty one is none */
    { "hits:1|x", PARSE_BAD_TYPE, 7 },
    { "hits:1|", PARSE_BAD_TYPE, 7 }, /* at the end of the line */
    { "hits:1|cc|#a:b", PARSE_BAD_TYPE, 7 },
    { "hits:1|c|@x", PARSE_BAD_RATE, 10 },
    { "hits:1|c|#a:b|@0.5|@", PARSE_BAD_RATE, 20 },
    { "hits:1|c|Tx", PARSE_BAD_TIME, 10 },
    { "hits:1|c|T1|T-5", PARSE_BAD_TIME, 13 },
    { "_e{x}:a|b", PARSE_EVENT_HEADER, 3 },
    { "_e{9,9}:a|b", PARSE_EVENT_LENGTH, 11 },
    { "_sc|name", PARSE_CHECK_FORMAT, 8 }, /* the status is missing */
    { "_sc||0", PARSE_CHECK_FORMAT, 4 },   /* the name is */
    { "_sc|name|7", PARSE_CHECK_STATUS, 9 },
    { "_sc|name|12|#a", PARSE_CHECK_STATUS, 9 },
    { "hits:1|c", PARSE_UNTERMINATED, 8 },
};

static enum parse_result parse(struct slice line)
{
    double pool[64];
    struct parser parser = { .pool = pool };
    struct sample sample;
    struct event event;
    struct check check;

    return parse_kind(line) == LINE_EVENT   ? event_parse(line, &event)
           : parse_kind(line) == LINE_CHECK ? check_parse(line, &check)
                                            : parse_sample(&parser, line, &sample);
}

static void each_reason_has_its_place(void **state)
{
    bool has_row[PARSE_RESULT_COUNT] = { [PARSE_OK] = true };
    (void)state;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct slice line = slice_of(rows[i].line);
        has_row[rows[i].why] = true;
        if (rows[i].why != PARSE_UNTERMINATED && parse(line) != rows[i].why)
            fail_msg("\"%s\" is refused for another reason", rows[i].line);
        if (fault_at(line, rows[i].why) != rows[i].at)
            fail_msg("\"%s\": %zu, not %zu", rows[i].line, fault_at(line, rows[i].why),
                     rows[i].at);
    }
    for (int i = 0; i < PARSE_RESULT_COUNT; i++)
        assert_true(has_row[i]);
}

/* Whatever the line and the reason, the place is in the line or at its end. */
static void no_line_and_reason_lead_out_of_it(void **state)
{
    static const char *const lines[] = { "",  "_", "_e{", "_sc",    "_sc|",
                                         "|", ":", "||",  "a:b|c|@" };
    (void)state;

    for (size_t i = 0; i < sizeof lines / sizeof lines[0] + sizeof rows / sizeof rows[0]; i++)
        for (int why = 0; why < PARSE_RESULT_COUNT; why++) {
            size_t n = sizeof lines / sizeof lines[0];
            struct slice line = slice_of(i < n ? lines[i] : rows[i - n].line);
            assert_true(fault_at(line, (enum parse_result)why) <= line.len);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_reason_has_its_place),
        cmocka_unit_test(no_line_and_reason_lead_out_of_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
