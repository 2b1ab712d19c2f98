#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "protocol/number.h"
#include "tests/support/guard.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static uint64_t bits_of(double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static double double_of(uint64_t bits)
{
    double value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint64_t next_random(void)
{
    static uint64_t state = 0x9E3779B97F4A7C15;

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state * UINT64_C(0x2545F4914F6CDD1D);
}

static void expect_double(const char *text, double expected)
{
    double value = -12345;

    if (!number_double(guarded_text(text), &value))
        fail_msg("\"%.100s\" is refused", text);
    if (bits_of(value) != bits_of(expected) && !(isnan(value) && isnan(expected)))
        fail_msg("\"%.100s\" is %a, not %a", text, value, expected);
}

static void reads_what_go_reads(void **state)
{
    static const struct {
        const char *text;
        double value;
    } cases[] = {
        { "0", 0 },
        { "-0", -0.0 },
        { "+5", 5 },
        { "007", 7 },
        { "5.", 5 },
        { ".5", 0.5 },
        { "-.5e1", -5 },
        { "1E3", 1000 },
        { "1e+3", 1000 },
        { "1e-3", 0.001 },
        { "0e999999999999", 0 },
        { "9007199254740993", 9007199254740992.0 }, /* half way: to even */
        { "9007199254740993.00000000000000000000000000001", 9007199254740994.0 },
        { "0.1", 0.1 },
        { "34570693969726562e-16", 3.4570693969726562 },
        { "123456789012345678901234567890", 123456789012345678901234567890.0 },
        { "1.7976931348623157e308", DBL_MAX },
        { "4.9e-324", 4.9e-324 },
        { "2.4e-324", 0 }, /* underflow */
        { "1e-400", 0 },
        { "-1e-400", -0.0 },
        { "1_000", 1000 },
        { "1_0.2_5e1_0", 10.25e10 },
        { "0_1", 1 },
        { "0x1p-2", 0.25 },
        { "0X1P4", 16 },
        { "0x_1p4", 16 },
        { "0x1.8p+1", 3 },
        { "-0x.8p0", -0.5 },
        { "0xA.p0", 10 },
        { "0x1_0p0", 16 },
        { "0x0p99999", 0 },
        { "0x1p-1074", 4.9e-324 },
        { "0x1p-1075", 0 },
        { "0x1.00000000000008p0", 1 }, /* half way: to even */
        { "0x1.00000000000008000000000000000000001p0", 0x1.0000000000001p0 },
        { "inf", INFINITY },
        { "+Inf", INFINITY },
        { "-iNFINITY", -INFINITY },
        { "nan", NAN },
        { "NaN", NAN },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(cases); i++)
        expect_double(cases[i].text, cases[i].value);
}

static void refuses_what_go_refuses(void **state)
{
    static const char *const cases[] = {
        "",
        " ",
        "+",
        "-",
        ".",
        "+.",
        "e5",
        ".e5",
        "1e",
        "1e+",
        "1e5.0",
        "1 ",
        " 1",
        "1,5",
        "1.2.3",
        "1f",
        "0x",
        "0x10",
        "0x1",
        "0xp1",
        "0x.p1",
        "0x1p",
        "0x1p+",
        "0x1pf",
        "0b1",
        "0o7",
        "--1",
        "+-1",
        "1e400",
        "-1e400",
        "0x1p1024",
        "0x1.fffffffffffff8p1023", /* overflow */
        "_1",
        "1_",
        "1__0",
        "1_.5",
        "1._5",
        "1_e5",
        "1e_5",
        "1e5_",
        "0x1_p4",
        "0x__1p4",
        "0_x1p1",
        "-nan",
        "+nan",
        "in",
        "infi",
        "infinit",
        "infinityx",
        "nanx",
        "\xEF\xBC\x91",
    };
    double value;
    (void)state;

    for (size_t i = 0; i < COUNT(cases); i++)
        if (number_double(guarded_text(cases[i]), &value))
            fail_msg("\"%s\" is accepted as %g", cases[i], value);
    assert_false(number_double(guarded("1\0", 2), &value));
}

static void reads_whole_numbers_of_64_bits(void **state)
{
    static const struct {
        const char *text;
        bool good;
        int64_t value;
    } cases[] = {
        { "0", true, 0 },
        { "+7", true, 7 },
        { "-007", true, -7 },
        { "9223372036854775807", true, INT64_MAX },
        { "-9223372036854775808", true, INT64_MIN },
        { "9223372036854775808", false, 0 },
        { "-9223372036854775809", false, 0 },
        { "99999999999999999999999", false, 0 },
        { "", false, 0 },
        { "-", false, 0 },
        { "+", false, 0 },
        { "1_0", false, 0 },
        { "1.0", false, 0 },
        { " 1", false, 0 },
        { "0x1", false, 0 },
        { "--1", false, 0 },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t value = 0;
        if (number_int64(guarded_text(cases[i].text), &value) != cases[i].good ||
            (cases[i].good && value != cases[i].value))
            fail_msg("\"%s\" is %lld", cases[i].text, (long long)value);
    }
}

static void a_character_that_is_no_digit_is_found_at_any_place(void **state)
{
    static const char others[] = "/:+-._ aT|\x01\x7f\x80\xb0\xff"; /* and NUL */
    const char *digits = "1876543210123456789";
    (void)state;

    for (size_t len = 1; len <= 19; len++) {
        char text[20];
        int64_t value = 0, want = 0;

        for (size_t i = 0; i < len; i++)
            want = want * 10 + (digits[19 - len + i] - '0');
        memcpy(text, digits + 19 - len, len);
        assert_true(number_int64(guarded(text, len), &value));
        assert_int_equal(value, want);
        for (size_t place = 0; place < len; place++)
            for (size_t i = 0; i < sizeof others; i++) {
                bool sign = place == 0 && len > 1 && (others[i] == '+' || others[i] == '-');

                memcpy(text, digits + 19 - len, len);
                text[place] = others[i];
                if (number_int64(guarded(text, len), &value) != sign)
                    fail_msg("of %zu digits, byte %d at %zu", len, others[i], place);
            }
    }
}

/* strtod under the "C" locale is exact in glibc; it overflows to infinity. */
static void expect_as_strtod(const char *text)
{
    double expected = strtod(text, NULL), value = 0;
    bool good = number_double(guarded_text(text), &value);

    if (good != isfinite(expected) || (good && bits_of(value) != bits_of(expected)))
        fail_msg("\"%.900s\" is %a, not %a", text, good ? value : INFINITY, expected);
}

static void agrees_with_strtod_on_every_form_of_a_double(void **state)
{
    static const char *const forms[] = {
        "%.17g", "%g", "%a", "%.3f", "%.0e", "%.25e", "%.16g"
    };
    char text[512];
    (void)state;

    for (int i = 0; i < 20000; i++) {
        uint64_t bits = next_random();
        if (i % 2 == 0) /* near one, where clients' values are */
            bits = (bits & UINT64_C(0x801FFFFFFFFFFFFF)) | UINT64_C(0x3F00000000000000);
        double value = double_of(bits);
        if (!isfinite(value))
            continue;
        for (size_t form = 0; form < COUNT(forms); form++) {
            snprintf(text, sizeof text, forms[form], value);
            expect_as_strtod(text);
        }
    }
}

/* Of so many characters, with the point at any place or none. */
static void agrees_with_strtod_on_decimals_of_every_length(void **state)
{
    char text[32];
    (void)state;

    for (size_t len = 1; len <= 20; len++)
        for (size_t point = len == 1; point <= len; point++)
            for (int i = 0; i < 60; i++) {
                char *digits = text + (i % 2 == 0);

                text[0] = '-';
                for (size_t at = 0; at < len; at++)
                    digits[at] = i < 2 ? '9' : (char)('0' + next_random() % 10);
                digits[len] = '\0';
                if (point < len)
                    digits[point] = '.';
                expect_as_strtod(text);
            }
}

/* In place of any character of a decimal of any length. */
static void a_second_point_or_a_letter_is_found_at_any_place(void **state)
{
    static const char wrong[] = { '.', 'x', ':', '/', '+', '\0' };
    char text[32];
    double value;
    (void)state;

    for (size_t len = 3; len <= 20; len++)
        for (size_t at = 0; at < len; at++)
            for (size_t i = 0; i < COUNT(wrong); i++) {
                memset(text, '5', len);
                text[at == len / 2 ? len - 1 : len / 2] = '.';
                text[at] = wrong[i];
                if (at > 0 || wrong[i] != '+')
                    assert_false(number_double(guarded(text, len), &value));
            }
}

static void agrees_with_strtod_on_mantissa_and_exponent(void **state)
{
    char text[64];
    (void)state;

    for (int i = 0; i < 60000; i++) {
        uint64_t mantissa = next_random() >> (next_random() % 64);
        int exponent = (int)(next_random() % (i % 3 == 0 ? 700 : 60)) - (i % 3 == 0 ? 360 : 30);

        snprintf(text, sizeof text, "%llue%d", (unsigned long long)mantissa, exponent);
        expect_as_strtod(text);
    }
}

/* The middle between two doubles in all its digits, and a hair beside it. */
static void rounds_the_middle_to_even_and_its_neighbours_away(void **state)
{
    char text[1400];
    (void)state;

    for (int i = 0; i < 400; i++) {
        double low = double_of(next_random() & UINT64_C(0x7FFFFFFFFFFFFFFF));
        if (i % 4 == 0)
            low = double_of(next_random() & UINT64_C(0x000FFFFFFFFFFFFF)); /* subnormal */
        if (!(low < DBL_MAX / 4))
            continue;
        double high = nextafter(low, INFINITY);
        long double middle = ((long double)low + (long double)high) / 2;

        int length = snprintf(text, sizeof text - 2, "%.1100Le", middle);
        expect_as_strtod(text);
        char *last = strchr(text, 'e') - 1;
        *last = '1'; /* behind 1,099 digits */
        expect_as_strtod(text);
        assert_true(length > 0);
    }
}

static void reads_digits_by_the_ten_thousand(void **state)
{
    enum { LENGTH = 65535 };
    static char text[LENGTH + 1];
    double value;
    (void)state;

    memset(text, '0', LENGTH);
    text[0] = '1';
    assert_false(number_double(guarded(text, LENGTH), &value)); /* 1e65534 */
    memcpy(text + LENGTH - 7, "e-65527", 7);                    /* LENGTH - 8 zeros */
    assert_true(number_double(guarded(text, LENGTH), &value));
    assert_true(value == 1);
    text[LENGTH - 9] = '1'; /* a digit far behind the last that is kept */
    memcpy(text, "9007199254740993", 16);
    memcpy(text + LENGTH - 7, "e-65512", 7);
    assert_true(number_double(guarded(text, LENGTH), &value));
    assert_true(value == 9007199254740994.0);

    memset(text, '0', LENGTH);
    text[1] = '.';
    memcpy(text + LENGTH - 9, "25e+65526", 9);
    assert_true(number_double(guarded(text, LENGTH), &value));
    assert_true(value == 25);
}

static void does_not_depend_on_the_locale(void **state)
{
    static const char *const locales[] = { "de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "C.UTF-8" };
    char text[NUMBER_TEXT_MAX];
    (void)state;

    for (size_t i = 0; i < COUNT(locales); i++) {
        if (setlocale(LC_ALL, locales[i]) == NULL)
            continue;
        expect_double("1.00000000000000000000000000000000001e-40", 1e-40);
        number_format(2.5, text);
        assert_string_equal(text, "2.5");
    }
    setlocale(LC_ALL, "C");
}

static void writes_the_shortest_text(void **state)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        { 0, "0" },
        { -0.0, "-0" },
        { 1, "1" },
        { -1.5, "-1.5" },
        { 0.3, "0.3" },
        { 0.1 + 0.2, "0.30000000000000004" },
        { 100, "100" },
        { 1e15, "1000000000000000" },
        { 123456789012345680000.0, "123456789012345680000" },
        { 1e20, "100000000000000000000" },
        { 1e21, "1e+21" },
        { 1e22, "1e+22" },
        { 1e-6, "0.000001" },
        { 1.5e-7, "1.5e-07" },
        { 5e-324, "5e-324" },
        { DBL_MIN, "2.2250738585072014e-308" },
        { DBL_MAX, "1.7976931348623157e+308" },
        { 0x1p-44, "5.684341886080802e-14" }, /* nearest 16 digits do not read back */
        { 9007199254740993.0, "9007199254740992" },
        { 9999999999999998.0, "9999999999999998" },
        { 999999999999999.9, "999999999999999.9" },
        { 0.9999999999999999, "0.9999999999999999" },
        { 2251799813685249.5, "2251799813685249.5" },
        { 1e-11, "1e-11" },
        { 0x1p-20, "9.5367431640625e-07" },
        { 1e23, "1e+23" },
        { NAN, "NaN" },
        { -NAN, "NaN" },
        { INFINITY, "+Inf" },
        { -INFINITY, "-Inf" },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[NUMBER_TEXT_MAX];
        size_t length = number_format(cases[i].value, text);

        assert_string_equal(text, cases[i].text);
        assert_int_equal(length, strlen(text));
    }
}

static void whole_numbers_are_written_as_they_are(void **state)
{
    static const struct {
        int64_t value;
        const char *text;
    } cases[] = {
        { 0, "0" },
        { 7, "7" },
        { -10, "-10" },
        { 1700000000000, "1700000000000" },
        { INT64_MAX, "9223372036854775807" },
        { INT64_MIN, "-9223372036854775808" },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[NUMBER_TEXT_MAX];
        size_t length = number_format_whole(cases[i].value, text);
        assert_string_equal(text, cases[i].text);
        assert_int_equal(length, strlen(text));
    }
}

static size_t digits_in(const char *text)
{
    size_t digits = 0, zeros = 0;

    for (; *text != '\0' && *text != 'e'; text++) {
        if (*text < '0' || *text > '9' || (digits == 0 && *text == '0'))
            continue;
        digits++;
        zeros = *text == '0' ? zeros + 1 : 0;
    }
    return digits - zeros;
}

static void writes_text_that_reads_back_and_no_shorter_does(void **state)
{
    (void)state;
    for (int i = 0; i < 20000; i++) {
        char text[NUMBER_TEXT_MAX], shorter[64];
        uint64_t bits = next_random();
        if (i % 3 == 0)
            bits &= UINT64_C(0xFFF0000000000000); /* powers of two */
        if (i % 4 != 0)                           /* of a size that is measured */
            bits = (bits & ~(UINT64_C(0x7FF) << 52)) | (960 + (bits >> 52) % 128) << 52;
        double value = double_of(bits), back;
        if (!isfinite(value) || value == 0)
            continue;

        size_t length = number_format(value, text);
        assert_int_equal(length, strlen(text));
        assert_true(length < NUMBER_TEXT_MAX);
        assert_true(number_double(guarded_text(text), &back));
        if (bits_of(back) != bits_of(value))
            fail_msg("%a is written %s", value, text);
        if (digits_in(text) > 1) {
            snprintf(shorter, sizeof shorter, "%.*e", (int)digits_in(text) - 2, value);
            if (strtod(shorter, NULL) == value)
                fail_msg("%s is shorter than %s", shorter, text);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_go_reads),
        cmocka_unit_test(refuses_what_go_refuses),
        cmocka_unit_test(reads_whole_numbers_of_64_bits),
        cmocka_unit_test(a_character_that_is_no_digit_is_found_at_any_place),
        cmocka_unit_test(agrees_with_strtod_on_every_form_of_a_double),
        cmocka_unit_test(agrees_with_strtod_on_decimals_of_every_length),
        cmocka_unit_test(a_second_point_or_a_letter_is_found_at_any_place),
        cmocka_unit_test(agrees_with_strtod_on_mantissa_and_exponent),
        cmocka_unit_test(rounds_the_middle_to_even_and_its_neighbours_away),
        cmocka_unit_test(reads_digits_by_the_ten_thousand),
        cmocka_unit_test(does_not_depend_on_the_locale),
        cmocka_unit_test(writes_the_shortest_text),
        cmocka_unit_test(whole_numbers_are_written_as_they_are),
        cmocka_unit_test(writes_text_that_reads_back_and_no_shorter_does),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
