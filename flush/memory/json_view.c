#include "flush/memory/json_view.h"

#include <math.h>

#include "config/utf8.h"
#include "protocol/number.h"

/* ---- checking ---------------------------------------------------------- */

/* What may come next. */
enum expected { A_VALUE, A_VALUE_OR_END, A_NAME, A_NAME_OR_END, A_COMMA_OR_END, NOTHING };

struct checker {
    struct slice text;
    size_t at;
    uint64_t objects; /* a bit for each level that is open: it is an object */
    int depth;
    size_t keys_left;
    enum expected expected;
    const char *wrong; /* NULL: nothing yet */
};

static bool is_space(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

/* NUL at the end of the text: no token has one. */
static char look(const struct checker *checker)
{
    return checker->at < checker->text.len ? checker->text.at[checker->at] : '\0';
}

static void skip_space(struct checker *checker)
{
    while (is_space(look(checker)))
        checker->at++;
}

static bool fail(struct checker *checker, const char *sentence)
{
    checker->wrong = sentence;
    return false;
}

static int hex_digit(char byte)
{
    return is_digit(byte)               ? byte - '0'
           : byte >= 'a' && byte <= 'f' ? byte - 'a' + 10
           : byte >= 'A' && byte <= 'F' ? byte - 'A' + 10
                                        : -1;
}

static bool check_escape(struct checker *checker)
{
    char letter = look(checker);

    if (slice_is_one_of(letter, "\"\\/bfnrt")) {
        checker->at++;
        return true;
    }
    if (letter != 'u')
        return fail(checker, "no such escape in a string");
    checker->at++;
    for (int i = 0; i < 4; i++, checker->at++)
        if (hex_digit(look(checker)) < 0)
            return fail(checker, "\\u in a string without four hexadecimal digits");
    return true;
}

static bool check_character(struct checker *checker)
{
    size_t left = checker->text.len - checker->at;
    unsigned char byte = (unsigned char)look(checker);

    if (left == 0)
        return fail(checker, "a string does not end");
    if (byte < ' ')
        return fail(checker, "a control character in a string");
    size_t len = byte < 0x80 ? 1 : utf8_length(checker->text.at + checker->at, left);

    if (len == 0)
        return fail(checker, "a string is no valid UTF-8");
    checker->at += len;
    return byte != '\\' || check_escape(checker);
}

static bool check_string(struct checker *checker)
{
    checker->at++;
    while (look(checker) != '"')
        if (!check_character(checker))
            return false;
    checker->at++;
    return true;
}

static bool check_digits(struct checker *checker)
{
    if (!is_digit(look(checker)))
        return fail(checker, "a digit is missing in a number");
    while (is_digit(look(checker)))
        checker->at++;
    return true;
}

static bool check_number(struct checker *checker)
{
    if (look(checker) == '-')
        checker->at++;
    if (look(checker) == '0')
        checker->at++;
    else if (!check_digits(checker))
        return false;
    if (look(checker) == '.') {
        checker->at++;
        if (!check_digits(checker))
            return false;
    }
    if (look(checker) != 'e' && look(checker) != 'E')
        return true;
    checker->at++;
    if (look(checker) == '+' || look(checker) == '-')
        checker->at++;
    return check_digits(checker);
}

static bool check_word(struct checker *checker)
{
    static const struct slice words[] = { { "null", 4 }, { "true", 4 }, { "false", 5 } };

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (slice_starts(slice_skip(checker->text, checker->at), words[i])) {
            checker->at += words[i].len;
            return true;
        }
    return fail(checker, "expected a value");
}

static bool is_in_object(const struct checker *checker)
{
    return (checker->objects >> (checker->depth - 1) & 1) != 0;
}

static void value_ends(struct checker *checker)
{
    checker->expected = checker->depth > 0 ? A_COMMA_OR_END : NOTHING;
}

static bool open_bracket(struct checker *checker, bool object)
{
    if (checker->depth == JSON_DEPTH_MAX)
        return fail(checker, "more than 64 brackets are open");
    uint64_t bit = UINT64_C(1) << checker->depth++;

    checker->objects = object ? checker->objects | bit : checker->objects & ~bit;
    checker->expected = object ? A_NAME_OR_END : A_VALUE_OR_END;
    checker->at++;
    return true;
}

static bool close_bracket(struct checker *checker)
{
    if (look(checker) != (is_in_object(checker) ? '}' : ']'))
        return false;
    checker->at++;
    checker->depth--;
    value_ends(checker);
    return true;
}

static bool check_value(struct checker *checker)
{
    char byte = look(checker);

    if (byte == '{' || byte == '[')
        return open_bracket(checker, byte == '{');
    bool valid = byte == '"'                     ? check_string(checker)
                 : byte == '-' || is_digit(byte) ? check_number(checker)
                                                 : check_word(checker);

    value_ends(checker);
    return valid;
}

static bool check_name(struct checker *checker)
{
    if (look(checker) != '"')
        return fail(checker, "expected the name of a member, in double quotes");
    if (checker->keys_left-- == 0)
        return fail(checker, "too many members");
    if (!check_string(checker))
        return false;
    skip_space(checker);
    if (look(checker) != ':')
        return fail(checker, "expected a colon behind the name of a member");
    checker->at++;
    checker->expected = A_VALUE;
    return true;
}

static bool check_comma(struct checker *checker)
{
    if (look(checker) != ',')
        return fail(checker,
                    is_in_object(checker) ? "expected a comma or }" : "expected a comma or ]");
    checker->at++;
    checker->expected = is_in_object(checker) ? A_NAME : A_VALUE;
    return true;
}

/* One token. */
static bool check_next(struct checker *checker)
{
    bool may_close = checker->expected == A_NAME_OR_END ||
                     checker->expected == A_VALUE_OR_END || checker->expected == A_COMMA_OR_END;

    if (may_close && close_bracket(checker))
        return true;
    switch (checker->expected) {
    case A_NAME:
    case A_NAME_OR_END:
        return check_name(checker);
    case A_COMMA_OR_END:
        return check_comma(checker);
    default:
        return check_value(checker);
    }
}

bool json_view_check(struct slice text, size_t keys_max, struct slice *value,
                     struct json_fault *fault)
{
    struct checker checker = { .text = text, .keys_left = keys_max, .expected = A_VALUE };
    bool valid = true;

    skip_space(&checker);
    size_t first = checker.at;

    while (valid && checker.expected != NOTHING) {
        valid = check_next(&checker);
        *value = (struct slice){ text.at + first, checker.at - first };
        if (valid)
            skip_space(&checker);
    }
    if (valid && checker.at < text.len)
        valid = fail(&checker, "something stands behind the value");
    *fault = (struct json_fault){ checker.wrong, checker.at };
    return valid;
}

/* ---- reading ----------------------------------------------------------- */

enum json_kind json_view_kind(struct slice value)
{
    if (value.len == 0)
        return JSON_KIND_NONE;
    switch (value.at[0]) {
    case 'n':
        return JSON_KIND_NULL;
    case 'f':
        return JSON_KIND_FALSE;
    case 't':
        return JSON_KIND_TRUE;
    case '"':
        return JSON_KIND_STRING;
    case '[':
        return JSON_KIND_ARRAY;
    case '{':
        return JSON_KIND_OBJECT;
    default:
        return JSON_KIND_NUMBER;
    }
}

static size_t string_length(struct slice text)
{
    size_t len = 1;

    while (len < text.len && text.at[len] != '"')
        len += text.at[len] == '\\' ? 2 : 1;
    return len + 1;
}

static size_t brackets_length(struct slice text)
{
    size_t len = 0;
    int open = 0;

    do {
        char byte = text.at[len];

        open += (byte == '[' || byte == '{') - (byte == ']' || byte == '}');
        len += byte == '"' ? string_length(slice_skip(text, len)) : 1;
    } while (open > 0 && len < text.len);
    return len;
}

static size_t value_length(struct slice text)
{
    size_t len = 0;

    if (text.at[0] == '"')
        return string_length(text);
    if (text.at[0] == '[' || text.at[0] == '{')
        return brackets_length(text);
    while (len < text.len && text.at[len] != ',' && !is_space(text.at[len]))
        len++;
    return len;
}

struct slice json_view_inside(struct slice value)
{
    enum json_kind kind = json_view_kind(value);

    return kind == JSON_KIND_ARRAY || kind == JSON_KIND_OBJECT
               ? slice_trim((struct slice){ value.at + 1, value.len - 2 }, " \t\r\n")
               : (struct slice){ NULL, 0 };
}

static struct slice cut_value(struct slice *inside)
{
    struct slice value = { inside->at, value_length(*inside) };

    *inside = slice_skip(*inside, value.len);
    while (inside->len > 0 && (is_space(inside->at[0]) || slice_is_one_of(inside->at[0], ":,")))
        *inside = slice_skip(*inside, 1);
    return value;
}

bool json_view_next_item(struct slice *inside, struct slice *value)
{
    if (inside->len == 0)
        return false;
    *value = cut_value(inside);
    return true;
}

bool json_view_next_member(struct slice *inside, struct slice *name, struct slice *value)
{
    if (inside->len == 0)
        return false;
    *name = cut_value(inside);
    *value = cut_value(inside);
    return true;
}

struct slice json_view_member(struct slice object, const char *name)
{
    struct slice inside = json_view_inside(object), found, value;

    while (json_view_kind(object) == JSON_KIND_OBJECT &&
           json_view_next_member(&inside, &found, &value))
        if (json_view_says(found, name))
            return value;
    return (struct slice){ NULL, 0 };
}

bool json_view_has(struct slice object, struct slice name)
{
    struct slice inside = json_view_inside(object), found, value;

    while (json_view_next_member(&inside, &found, &value))
        if (slice_equal(found, name))
            return true;
    return false;
}

/* ---- strings ----------------------------------------------------------- */

static uint32_t four_digits(const char *at)
{
    return (uint32_t)(hex_digit(at[0]) << 12 | hex_digit(at[1]) << 8 | hex_digit(at[2]) << 4 |
                      hex_digit(at[3]));
}

static size_t put_utf8(uint32_t code, char *out)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xC0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3F));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xE0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 0x3F));
        out[2] = (char)(0x80 | (code & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 0x3F));
    out[2] = (char)(0x80 | (code >> 6 & 0x3F));
    out[3] = (char)(0x80 | (code & 0x3F));
    return 4;
}

/* Behind "\u"; *used: of the text. A pair of surrogates is one character. */
static uint32_t unicode_escape(struct slice text, size_t *used)
{
    uint32_t code = four_digits(text.at), low;

    *used = 4;
    if (code < 0xD800 || code > 0xDFFF)
        return code;
    if (code > 0xDBFF || text.len < 10 || text.at[4] != '\\' || text.at[5] != 'u')
        return 0xFFFD;
    low = four_digits(text.at + 6);
    if (low < 0xDC00 || low > 0xDFFF)
        return 0xFFFD;
    *used = 10;
    return 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
}

/* Decodes what stands at the beginning, cuts it off, and returns how many bytes it became. */
static size_t decode_next(struct slice *text, char out[4])
{
    static const char letters[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    size_t used;

    if (text->at[0] != '\\') {
        out[0] = text->at[0];
        *text = slice_skip(*text, 1);
        return 1;
    }
    if (text->at[1] != 'u') {
        out[0] = meant[strchr(letters, text->at[1]) - letters];
        *text = slice_skip(*text, 2);
        return 1;
    }
    uint32_t code = unicode_escape(slice_skip(*text, 2), &used);

    *text = slice_skip(*text, 2 + used);
    return put_utf8(code, out);
}

static struct slice between_quotes(struct slice string)
{
    return json_view_kind(string) == JSON_KIND_STRING
               ? (struct slice){ string.at + 1, string.len - 2 }
               : (struct slice){ NULL, 0 };
}

bool json_view_says(struct slice string, const char *text)
{
    struct slice left = between_quotes(string), wanted = slice_of(text);
    char decoded[4];

    if (json_view_kind(string) != JSON_KIND_STRING)
        return false;
    while (left.len > 0) {
        size_t len = decode_next(&left, decoded);

        if (!slice_starts(wanted, (struct slice){ decoded, len }))
            return false;
        wanted = slice_skip(wanted, len);
    }
    return wanted.len == 0;
}

size_t json_view_text(struct slice string, char *room)
{
    struct slice left = between_quotes(string);
    size_t len = 0;

    while (left.len > 0)
        len += decode_next(&left, room + len);
    return len;
}

/* ---- numbers ----------------------------------------------------------- */

bool json_view_number(struct slice value, double *out)
{
    return json_view_kind(value) == JSON_KIND_NUMBER && number_double(value, out);
}

bool json_view_whole(struct slice value, int64_t *out)
{
    double number;

    if (json_view_kind(value) != JSON_KIND_NUMBER)
        return false;
    if (number_int64(value, out))
        return true;
    if (!number_double(value, &number) || number != floor(number) || fabs(number) > 0x1p62)
        return false;
    *out = (int64_t)number;
    return true;
}
