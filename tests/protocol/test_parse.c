#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>

#include "protocol/parse.h"
#include "protocol/tags.h"
#include "tests/support/guard.h"
#include "tests/support/letters.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static double pool[4096];

static enum parse_result parse(const char *line, struct sample *out)
{
    struct parser parser = { .pool = pool };

    return parse_sample(&parser, guarded_text(line), out);
}

static void accepted(const char *line, struct sample *out)
{
    enum parse_result result = parse(line, out);

    if (result != PARSE_OK)
        fail_msg("\"%s\": %s", line, parse_result_label(result));
}

#define ASSERT_SLICE(slice, text) assert_true(slice_equal(slice, SLICE(text)))

static void refuses_malformed_lines_and_says_why(void **state)
{
    static const struct {
        const char *line;
        enum parse_result why;
    } cases[] = {
        { "", PARSE_NO_TYPE },
        { " ", PARSE_NO_TYPE },
        { "hits", PARSE_NO_TYPE },
        { "hits:1", PARSE_NO_TYPE },
        { "|", PARSE_NO_COLON },
        { "bad|x", PARSE_NO_COLON },
        { "hits|c", PARSE_NO_COLON },
        { "hits|c:1", PARSE_NO_COLON }, /* the colon stands behind the pipe */
        { ":1|c", PARSE_NO_NAME },
        { ":|", PARSE_NO_NAME },
        { "hits:|c", PARSE_NO_VALUE },
        { "hits:::|c", PARSE_NO_VALUE }, /* nothing but empty entries */
        { "hits:1|", PARSE_BAD_TYPE },
        { "hits:1||c", PARSE_BAD_TYPE },
        { "hits:1|x", PARSE_BAD_TYPE },
        { "hits:1|C", PARSE_BAD_TYPE },
        { "hits:1|c ", PARSE_BAD_TYPE },
        { "hits:1|ct", PARSE_BAD_TYPE },
        { "hits:1|m", PARSE_BAD_TYPE },
        { "hits:1|sm", PARSE_BAD_TYPE },
        { "hits:one|c", PARSE_BAD_VALUE },
        { "hits:1 |c", PARSE_BAD_VALUE },
        { "hits:1:x|c", PARSE_BAD_VALUE },
        { "hits:1234567x|c", PARSE_BAD_VALUE },
        { "hits:1|c|@", PARSE_BAD_RATE },
        { "hits:1|c|@x", PARSE_BAD_RATE },
        { "hits:1|c|@x|@1", PARSE_BAD_RATE }, /* a good one behind it heals nothing */
        { "hits:1|g|T", PARSE_BAD_TIME },
        { "hits:1|g|T0", PARSE_BAD_TIME },
        { "hits:1|g|T-5", PARSE_BAD_TIME },
        { "hits:1|g|T1.5", PARSE_BAD_TIME },
        { "hits:1|g|T1_0", PARSE_BAD_TIME },
        { "hits:1|g|T9223372036854775808", PARSE_BAD_TIME },
        { "hits:1|g|T0|T5", PARSE_BAD_TIME },
        { "hits:1|g|#a:1|T", PARSE_BAD_TIME },
        { "hits:1|g|#a:1|T0", PARSE_BAD_TIME },
        { "hits:1|g|#a:1|T-1700000000", PARSE_BAD_TIME },
        { "hits:1|g|#a:1|T170000000x", PARSE_BAD_TIME },
        { "hits:1|g|#a:1|T0|T1700000000", PARSE_BAD_TIME },
        { "hits:1|g|#a:1|T1700000000|T0", PARSE_BAD_TIME },
    };
    struct sample sample;
    (void)state;

    for (size_t i = 0; i < COUNT(cases); i++)
        if (parse(cases[i].line, &sample) != cases[i].why)
            fail_msg("\"%s\": %s", cases[i].line,
                     parse_result_label(parse(cases[i].line, &sample)));
}

static void reads_one_number(void **state)
{
    static const struct {
        const char *line;
        double value;
    } cases[] = {
        { "a:1|c", 1 },
        { "a:0|c", 0 },
        { "a:-0|c", -0.0 },
        { "a:12345678|c", 12345678 },
        { "a:123456789|c", 123456789 },
        { "a:00000000|c", 0 },
        { "a:99999999|c", 99999999 },
        { "a:1.5|c", 1.5 },
        { "a:-3|g", -3 },
        { "a:+3|g", 3 },
        { "a:1e3|g", 1000 },
        { "abcdefghijkl:7|g|#x", 7 },
        { "abcdefghijkl:7:|g|#x", 7 },
    };
    struct sample sample;
    (void)state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        accepted(cases[i].line, &sample);
        assert_int_equal(sample.n_values, 1);
        assert_true(sample.values[0] == cases[i].value);
        assert_true(signbit(sample.values[0]) == signbit(cases[i].value));
    }
}

static void unpacks_values_and_skips_empty_ones(void **state)
{
    struct sample sample;
    (void)state;

    accepted("a:::666::123::::|d", &sample);
    assert_int_equal(sample.n_values, 2);
    assert_true(sample.values[0] == 666 && sample.values[1] == 123);
}

static void keeps_the_whole_value_of_a_set(void **state)
{
    struct sample sample;
    (void)state;

    accepted("users:a:b:|s|#x", &sample);
    ASSERT_SLICE(sample.name, "users");
    ASSERT_SLICE(sample_member(&sample), "a:b:");
    assert_int_equal(sample.n_values, 1);
    accepted("users: |s", &sample);
    ASSERT_SLICE(sample_member(&sample), " ");
    accepted("users::|s", &sample);
    ASSERT_SLICE(sample_member(&sample), ":");
}

/* Of all that one or two bytes can say, NUL among them. */
static void takes_no_other_letters(void **state)
{
    struct parser parser = { .pool = pool };
    struct sample sample;
    int known = 0, types = 0;
    (void)state;

    for (size_t len = 1; len <= 2; len++) {
        for (int letters = 0; letters < (len == 1 ? 256 : 65536); letters++) {
            char line[] = { 'a', ':', '1', '|', (char)letters, (char)(letters >> 8) };
            parser.n_pooled = 0;
            known +=
                parse_sample(&parser, (struct slice){ line, 4 + len }, &sample) == PARSE_OK;
        }
    }
    for (int type = 0; type < METRIC_TYPE_COUNT; type++) /* "c|" is "c" and an empty field */
        types += strlen(metric_type_letters((enum metric_type)type)) == 1 ? 2 : 1;
    assert_int_equal(known, types);
}

static void knows_every_type_by_its_letters(void **state)
{
    struct sample sample;
    (void)state;

    for (int type = 0; type < METRIC_TYPE_COUNT; type++) {
        char line[16];
        snprintf(line, sizeof line, "a:1|%s", metric_type_letters((enum metric_type)type));
        accepted(line, &sample);
        assert_int_equal(sample.type, type);
    }
    assert_string_equal(metric_type_name(METRIC_TIMING), "timing");
}

static void takes_fields_in_any_order_and_the_last_of_a_kind(void **state)
{
    struct sample sample;
    (void)state;

    accepted("a:1|c||?|#x,y|@0.1|T5|@0.5|#z,|c:id|T6|", &sample);
    ASSERT_SLICE(sample.tags, "z,");
    assert_true(sample.rate == 0.5);
    assert_int_equal(sample.time_s, 6);
    accepted("a:1|c|#x|#", &sample);
    assert_int_equal(sample.tags.len, 0);
    accepted("a:1|ms", &sample);
    assert_true(sample.rate == 1);
    assert_int_equal(sample.time_s, 0);
    assert_int_equal(sample.tags.len, 0);
}

static void reads_tags_and_a_time_among_any_fields(void **state)
{
    static const struct {
        const char *fields;
        int64_t time_s;
        double rate;
    } cases[] = {
        { "#a:1,b|T1700000000", 1700000000, 1 },
        { "T1700000000|#a:1,b", 1700000000, 1 },
        { "#a:1,b|T1700000000|", 1700000000, 1 },
        { "#a:1,b|T1700000000|@0.5", 1700000000, 0.5 },
        { "#a:1,b|@0.5|T1700000000", 1700000000, 0.5 },
        { "#a:1,b|T1700000000|T+7", 7, 1 },
        { "#a:1,b|T1700000000|c:id|e:x", 1700000000, 1 },
        { "#x|#a:1,b|T5", 5, 1 },
        { "#a:1,b|c:T5", 0, 1 },
        { "#a:1,b|t5", 0, 1 },
    };
    struct sample sample;
    char line[80];
    (void)state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        snprintf(line, sizeof line, "a:1|c|%s", cases[i].fields);
        accepted(line, &sample);
        ASSERT_SLICE(sample.tags, "a:1,b");
        assert_int_equal(sample.time_s, cases[i].time_s);
        assert_true(sample.rate == cases[i].rate);
        assert_int_equal(sample.plain, cases[i].time_s == 0 && cases[i].rate == 1);
    }
}

static void does_not_judge_the_rate(void **state)
{
    struct sample sample;
    (void)state;

    accepted("a:1|c|@.25", &sample);
    assert_true(sample.rate == 0.25);
    accepted("a:1|c|@0.125|@1e-1", &sample);
    assert_true(sample.rate == 0.1);
    accepted("a:1|c|@0", &sample);
    assert_true(sample.rate == 0);
    accepted("a:1|c|@-2", &sample);
    assert_true(sample.rate == -2);
    accepted("a:1|c|@nan", &sample);
    assert_true(isnan(sample.rate));
}

static void ignores_any_timestamp_when_told(void **state)
{
    struct parser parser = { .ignore_time = true, .pool = pool };
    struct sample sample;
    (void)state;

    assert_int_equal(parse_sample(&parser, guarded_text("a:1|c|T-5"), &sample), PARSE_OK);
    assert_int_equal(sample.time_s, 0);
}

static void fills_the_pool_only_with_accepted_values(void **state)
{
    struct parser parser = { .pool = pool };
    struct sample first, second;
    (void)state;

    assert_int_equal(parse_sample(&parser, guarded_text("a:1:2|h"), &first), PARSE_OK);
    assert_int_equal(parse_sample(&parser, guarded_text("a:3:x|h"), &second), PARSE_BAD_VALUE);
    assert_int_equal(parse_sample(&parser, guarded_text("a:4|h|@x"), &second), PARSE_BAD_RATE);
    assert_int_equal(parse_sample(&parser, guarded_text("a:5|s"), &second), PARSE_OK);
    assert_int_equal(parser.n_pooled, 2);
    assert_int_equal(parse_sample(&parser, guarded_text("a:6|h"), &second), PARSE_OK);
    assert_int_equal(parser.n_pooled, 3);
    assert_true(first.values[0] == 1 && first.values[1] == 2 && second.values[0] == 6);
}

static void reads_a_datagram_full_of_values(void **state)
{
    static char line[8192];
    static double values[sizeof line / 2 + 1];
    struct parser parser = { .pool = values };
    struct sample sample;
    (void)state;

    memset(line, ':', sizeof line);
    for (size_t i = 0; i < sizeof line; i += 2)
        line[i] = '7';
    memcpy(line + sizeof line - 2, "|d", 2);
    assert_int_equal(parse_sample(&parser, guarded(line, sizeof line), &sample), PARSE_OK);
    assert_int_equal(sample.n_values, sizeof line / 2 - 2);
}

static void tells_the_kind_by_the_first_bytes(void **state)
{
    static const struct {
        const char *line;
        enum line_kind kind;
    } cases[] = {
        { "", LINE_METRIC },          { "_", LINE_METRIC },          { "_e", LINE_METRIC },
        { "_s", LINE_METRIC },        { "_e{", LINE_EVENT },         { "_sc", LINE_CHECK },
        { "_score:1|c", LINE_CHECK }, { "_event:1|c", LINE_METRIC }, { "_E{", LINE_METRIC },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(cases); i++)
        assert_int_equal(parse_kind(guarded_text(cases[i].line)), cases[i].kind);
}

static void walks_tags_with_their_empty_entries(void **state)
{
    struct tags tags = tags_of(guarded_text("a,,b:c,"));
    struct slice tag = { 0 };
    (void)state;

    assert_true(tags_next(&tags, &tag));
    ASSERT_SLICE(tag, "a");
    assert_true(tags_next(&tags, &tag));
    assert_int_equal(tag.len, 0);
    assert_true(tags_next(&tags, &tag));
    ASSERT_SLICE(tag, "b:c");
    assert_true(tags_next(&tags, &tag));
    assert_int_equal(tag.len, 0);
    assert_false(tags_next(&tags, &tag));
    tags = tags_of(guarded_text(""));
    assert_false(tags_next(&tags, &tag));
}

static void names_every_result(void **state)
{
    (void)state;
    for (int result = 0; result < PARSE_RESULT_COUNT; result++) {
        assert_true(strlen(parse_result_label((enum parse_result)result)) > 0);
        assert_true(strlen(parse_result_sentence((enum parse_result)result)) > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_malformed_lines_and_says_why),
        cmocka_unit_test(reads_one_number),
        cmocka_unit_test(unpacks_values_and_skips_empty_ones),
        cmocka_unit_test(keeps_the_whole_value_of_a_set),
        cmocka_unit_test(knows_every_type_by_its_letters),
        cmocka_unit_test(takes_no_other_letters),
        cmocka_unit_test(takes_fields_in_any_order_and_the_last_of_a_kind),
        cmocka_unit_test(reads_tags_and_a_time_among_any_fields),
        cmocka_unit_test(does_not_judge_the_rate),
        cmocka_unit_test(ignores_any_timestamp_when_told),
        cmocka_unit_test(fills_the_pool_only_with_accepted_values),
        cmocka_unit_test(reads_a_datagram_full_of_values),
        cmocka_unit_test(tells_the_kind_by_the_first_bytes),
        cmocka_unit_test(walks_tags_with_their_empty_entries),
        cmocka_unit_test(names_every_result),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
