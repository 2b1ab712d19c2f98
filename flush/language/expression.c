#include "flush/language/expression.h"

#include <stdio.h>
#include <string.h>

#include "flush/language/join.h"
#include "protocol/number.h"

struct parser {
    struct reader reader;
    struct expression *out;
    int depth;
};

static bool read_expression(struct parser *parser, uint8_t *node);

/* ---- nodes ------------------------------------------------------------- */

static bool add(struct parser *parser, struct node node, uint8_t *number)
{
    struct expression *out = parser->out;

    if (out->n_nodes == EXPRESSION_NODES_MAX)
        return reader_refuse(&parser->reader, node.at,
                             "expected no more than %d queries, numbers, functions and "
                             "operators together",
                             EXPRESSION_NODES_MAX);
    *number = (uint8_t)out->n_nodes;
    out->nodes[out->n_nodes++] = node;
    return true;
}

static bool add_number(struct parser *parser, const char *at, double value, uint8_t *number)
{
    return add(
        parser,
        (struct node){ .kind = NODE_NUMBER, .at = at, .is_number = true, .number = value },
        number);
}

static bool add_operator(struct parser *parser, const char *at, char sign, uint8_t *left,
                         uint8_t right)
{
    const struct node *nodes = parser->out->nodes;

    return add(parser,
               (struct node){ .kind = NODE_OPERATOR,
                              .at = at,
                              .sign = sign,
                              .left = *left,
                              .right = right,
                              .is_number = nodes[*left].is_number && nodes[right].is_number },
               left);
}

/* ---- queries ----------------------------------------------------------- */

static bool read_query(struct parser *parser, uint8_t *node)
{
    struct expression *out = parser->out;
    const char *at = parser->reader.rest.at;

    if (out->n_queries == EXPRESSION_QUERIES_MAX)
        return reader_refuse(&parser->reader, at, "expected no more than %d queries",
                             EXPRESSION_QUERIES_MAX);
    uint8_t query = (uint8_t)out->n_queries++;
    if (!question_read(&parser->reader, &out->queries[query]) ||
        !add(parser, (struct node){ .kind = NODE_QUERY, .at = at, .query = query }, node))
        return false;
    return out->queries[query].fill == FILL_NULL ||
           add(parser,
               (struct node){ .kind = NODE_FILL, .at = at, .query = query, .left = *node },
               node);
}

/* ---- arguments --------------------------------------------------------- */

static bool read_number(struct reader *reader, double *out)
{
    bool minus = reader_take(reader, '-');

    if (!reader_take_number(reader, out))
        return false;
    *out = minus ? -*out : *out;
    return true;
}

/* 'word', and what stands between the quotes; empty: there is none. */
static struct slice read_quoted(struct reader *reader)
{
    char quote = reader_next(reader);
    struct slice word = { reader->rest.at, 0 };

    if ((quote != '\'' && quote != '"') || !reader_take(reader, quote))
        return word;
    word = reader_take_until(reader, quote == '"' ? "\"" : "'");
    if (!reader_take(reader, quote))
        word.len = 0;
    return word;
}

/* One of the words of "'avg'|'sum'". */
static bool read_choice(struct reader *reader, struct slice allowed, double *out)
{
    const char *at = reader->rest.at;
    struct slice choices = allowed;
    struct slice word = read_quoted(reader);

    for (size_t which = 0; choices.len > 0; which++)
        if (slice_equal(slice_trim(slice_cut(&choices, '|'), "'"), word)) {
            *out = (double)which;
            return true;
        }
    if (function_refusal(word) != NULL)
        return reader_refuse(reader, at, "%s", function_refusal(word));
    return reader_refuse(reader, at, "expected %.*s, in quotes", (int)allowed.len, allowed.at);
}

/* 'last_5m' in seconds. */
static bool read_window(struct reader *reader, double *out)
{
    static const char units[] = "mhdw";
    static const int64_t seconds[] = { 60, 3600, 86400, 604800 };
    enum { WINDOW_MAX_S = 604800 };
    struct slice word = read_quoted(reader);
    int64_t number;

    if (!slice_starts(word, SLICE("last_")))
        return false;
    struct slice digits = slice_skip(word, sizeof "last_" - 1);
    const char *unit = digits.len > 1 ? strchr(units, digits.at[--digits.len]) : NULL;
    if (unit == NULL || *unit == '\0' || !number_int64(digits, &number) || number < 1 ||
        number > WINDOW_MAX_S / seconds[unit - units])
        return false;
    *out = (double)(number * seconds[unit - units]);
    return true;
}

/* In quotes too, as some write it. */
static bool read_bounds(struct reader *reader, double *out)
{
    char quote = reader_next(reader);
    bool is_quoted = (quote == '\'' || quote == '"') && reader_take(reader, quote);

    return read_number(reader, out) && *out > 0 && (!is_quoted || reader_take(reader, quote));
}

static bool read_whole(struct reader *reader, double least, double most, double *out)
{
    return read_number(reader, out) && *out >= least && *out <= most &&
           *out == (double)(int64_t)*out;
}

static bool read_argument(struct reader *reader, struct slice allowed, double *out)
{
    reader_skip_space(reader);
    const char *at = reader->rest.at;

    if (slice_equal(allowed, SLICE("number")))
        return read_number(reader, out) || reader_refuse(reader, at, "expected a number");
    if (slice_equal(allowed, SLICE("bounds")))
        return read_bounds(reader, out) ||
               reader_refuse(reader, at, "expected a number above 0");
    if (slice_equal(allowed, SLICE("seconds")))
        return read_whole(reader, 1, FUNCTION_SECONDS_MAX, out) ||
               reader_refuse(reader, at, "expected seconds from 1 to %d", FUNCTION_SECONDS_MAX);
    if (slice_equal(allowed, SLICE("past")))
        return read_whole(reader, -FUNCTION_SECONDS_MAX, -1, out) ||
               reader_refuse(reader, at, "expected seconds into the past, from -%d to -1",
                             FUNCTION_SECONDS_MAX);
    if (slice_equal(allowed, SLICE("groups")))
        return read_whole(reader, 1, FUNCTION_GROUPS_MAX, out) ||
               reader_refuse(reader, at, "expected a number of groups, from 1 to %d",
                             FUNCTION_GROUPS_MAX);
    if (slice_equal(allowed, SLICE("window")))
        return read_window(reader, out) ||
               reader_refuse(reader, at,
                             "expected a window of a week at most, in quotes, as 'last_5m'");
    return read_choice(reader, allowed, out);
}

/* The first of those allowed; they keep the others. */
static struct slice cut_allowed(struct slice *allowed)
{
    return slice_trim(slice_cut(allowed, ','), " ");
}

static bool has_name(struct slice allowed)
{
    struct slice first = cut_allowed(&allowed);

    return memchr(first.at, '=', first.len) != NULL;
}

static bool refuse_name(struct reader *reader, struct slice name, struct slice allowed)
{
    const char *refusal = function_refusal(name);

    if (refusal != NULL)
        return reader_refuse(reader, name.at, "%s", refusal);
    return reader_refuse(reader, name.at, "expected %.*s", (int)allowed.len, allowed.at);
}

/* One of those that have a name; they go to the places from out on. */
static bool read_named(struct reader *reader, struct slice allowed, double *out)
{
    struct slice all = slice_trim(allowed, " "), what, word;

    reader_skip_space(reader);
    struct slice name = reader_take_word(reader);
    do {
        if (allowed.len == 0)
            return refuse_name(reader, name, all);
        what = cut_allowed(&allowed);
        word = slice_cut(&what, '=');
        out++;
    } while (!slice_equal(word, name));
    out--;
    if (*out != 0)
        return reader_refuse(reader, name.at, "expected %.*s once", (int)name.len, name.at);
    if (!reader_take(reader, '='))
        return reader_refuse(reader, reader->rest.at, "expected = behind %.*s", (int)name.len,
                             name.at);
    if (!read_argument(reader, what, out))
        return false;
    *out += what.at[0] == '\'' ? 1 : 0;
    return true;
}

/* Those behind the first, up to the parenthesis. */
static bool read_arguments(struct reader *reader, struct call *call)
{
    struct slice allowed = slice_of(call->function->arguments);
    size_t i = 0;

    (void)slice_cut(&allowed, ',');
    while (allowed.len > 0 && !has_name(allowed)) {
        struct slice one = cut_allowed(&allowed);
        if (!reader_take(reader, ','))
            return reader_refuse(reader, reader->rest.at, "expected , and %.*s", (int)one.len,
                                 one.at);
        if (!read_argument(reader, one, &call->arguments[i++]))
            return false;
    }
    while (allowed.len > 0 && reader_take(reader, ','))
        if (!read_named(reader, allowed, call->arguments + i))
            return false;
    if (reader_take(reader, ')'))
        return true;
    return reader_refuse(reader, reader->rest.at, "expected ) behind the arguments: %s(%s)",
                         call->function->name, call->function->arguments);
}

/* ---- functions --------------------------------------------------------- */

static bool refuse_function(struct reader *reader, struct slice name)
{
    const char *refusal = function_refusal(name);

    if (refusal != NULL)
        return reader_refuse(reader, name.at, "%s", refusal);
    return reader_refuse(reader, name.at, "expected a function before (, and %.*s is none",
                         (int)name.len, name.at);
}

static void note_of_series(struct expression *out, const struct function *function,
                           const struct node *operand)
{
    if (function->of_series && operand->kind == NODE_QUERY)
        out->queries[operand->query].differs = true;
}

/* Behind its parenthesis. */
static bool read_function(struct parser *parser, struct slice name, uint8_t *node)
{
    struct node made = { .kind = NODE_FUNCTION, .at = name.at };
    const struct function *function = function_find(name, &made.call);

    if (function == NULL || function->name[0] == '.')
        return refuse_function(&parser->reader, name);
    reader_skip_space(&parser->reader);
    const char *at = parser->reader.rest.at;
    if (!read_expression(parser, &made.left))
        return false;
    if (parser->out->nodes[made.left].is_number)
        return reader_refuse(&parser->reader, at, "expected a query, and not a number alone");
    note_of_series(parser->out, function, &parser->out->nodes[made.left]);
    return read_arguments(&parser->reader, &made.call) && add(parser, made, node);
}

/* The name before a parenthesis, which is taken with it; empty: there is none. */
static struct slice take_name(struct reader *reader)
{
    struct reader before = *reader;
    struct slice name = reader_take_until(reader, "{}():,+-*/'\" \t\r\n");

    if (name.len > 0 && reader_take(reader, '('))
        return name;
    *reader = before;
    return (struct slice){ before.rest.at, 0 };
}

/* ---- factors, terms, expressions --------------------------------------- */

/* Whether a number ends there, or goes on as the name of a metric. */
static bool is_number_over(struct reader *reader)
{
    char next = reader->rest.len > 0 ? reader->rest.at[0] : '\0';

    return next == '\0' || slice_is_one_of(next, "+-*/(),{}'\"" READER_SPACE);
}

static bool take_plain_number(struct reader *reader, double *out)
{
    struct reader before = *reader;

    if (reader_take_number(reader, out) && is_number_over(reader))
        return true;
    *reader = before;
    return false;
}

static bool read_factor(struct parser *parser, uint8_t *node);

static bool refuse_depth(struct parser *parser)
{
    return reader_refuse(&parser->reader, parser->reader.rest.at,
                         "expected no more than %d levels", EXPRESSION_DEPTH_MAX);
}

/* Behind the minus: 0 less the factor. */
static bool read_negative(struct parser *parser, const char *at, uint8_t *node)
{
    uint8_t right;

    if (parser->depth == EXPRESSION_DEPTH_MAX)
        return refuse_depth(parser);
    parser->depth++;
    bool read = add_number(parser, at, 0, node) && read_factor(parser, &right) &&
                add_operator(parser, at, '-', node, right);
    parser->depth--;
    return read;
}

static bool read_factor(struct parser *parser, uint8_t *node)
{
    struct reader *reader = &parser->reader;
    struct slice name;
    double number;

    reader_skip_space(reader);
    const char *at = reader->rest.at;
    if (take_plain_number(reader, &number))
        return add_number(parser, at, number, node);
    if (reader_take(reader, '-'))
        return read_negative(parser, at, node);
    if (reader_take(reader, '('))
        return read_expression(parser, node) &&
               (reader_take(reader, ')') ||
                reader_refuse(reader, reader->rest.at, "expected an operator or )"));
    name = take_name(reader);
    return name.len > 0 ? read_function(parser, name, node) : read_query(parser, node);
}

/* Skips space. The operator that stands there, of those two, taken; NUL: none. */
static char take_operator(struct reader *reader, const char *operators)
{
    char next = reader_next(reader);

    return slice_is_one_of(next, operators) && reader_take(reader, next) ? next : '\0';
}

static bool read_term(struct parser *parser, uint8_t *node)
{
    if (!read_factor(parser, node))
        return false;
    for (;;) {
        reader_skip_space(&parser->reader);
        const char *at = parser->reader.rest.at;
        char sign = take_operator(&parser->reader, "*/");
        uint8_t right;
        if (sign == '\0')
            return true;
        if (!read_factor(parser, &right) || !add_operator(parser, at, sign, node, right))
            return false;
    }
}

static bool read_sum(struct parser *parser, uint8_t *node)
{
    if (!read_term(parser, node))
        return false;
    for (;;) {
        reader_skip_space(&parser->reader);
        const char *at = parser->reader.rest.at;
        char sign = take_operator(&parser->reader, "+-");
        uint8_t right;
        if (sign == '\0')
            return true;
        if (!read_term(parser, &right) || !add_operator(parser, at, sign, node, right))
            return false;
    }
}

static bool read_expression(struct parser *parser, uint8_t *node)
{
    if (parser->depth == EXPRESSION_DEPTH_MAX)
        return refuse_depth(parser);
    parser->depth++;
    bool read = read_sum(parser, node);
    parser->depth--;
    return read;
}

/* ---- the whole --------------------------------------------------------- */

static bool check_end(struct parser *parser, uint8_t last)
{
    struct reader *reader = &parser->reader;
    enum node_kind kind = parser->out->nodes[last].kind;
    const struct question *query = &parser->out->queries[parser->out->nodes[last].query];

    if (reader_next(reader) == '\0')
        return true;
    if (kind != NODE_QUERY && kind != NODE_FILL)
        return reader_refuse(reader, reader->rest.at, "expected an operator or the end");
    return reader_refuse(reader, reader->rest.at,
                         "expected .rollup( ), .fill( ), .as_count( ), .as_rate( ), %san "
                         "operator or the end",
                         query->n_by == 0 ? "by {...}, " : "");
}

static bool is_last(const struct expression *expression, size_t node)
{
    for (size_t i = 0; i < expression->n_parts; i++)
        if (expression->parts[i].node == node)
            return true;
    return false;
}

static bool check_bands(struct parser *parser)
{
    for (size_t i = 0; i < parser->out->n_nodes; i++) {
        const struct node *node = &parser->out->nodes[i];
        if (node->kind == NODE_FUNCTION && node->call.function->band &&
            !is_last(parser->out, i))
            return reader_refuse(&parser->reader, node->at,
                                 "expected %s( ) outside of everything else: nothing can be "
                                 "computed with a band",
                                 node->call.function->name);
    }
    return true;
}

static bool check_text(struct parser *parser, struct slice text)
{
    if (text.len > QUESTION_TEXT_MAX)
        return reader_refuse(&parser->reader, text.at + QUESTION_TEXT_MAX,
                             "expected no more than %d bytes", QUESTION_TEXT_MAX);
    if (text.len > 0 && memchr(text.at, 0, text.len) != NULL)
        return reader_refuse(&parser->reader, memchr(text.at, 0, text.len),
                             "expected text without NUL");
    return true;
}

/* There is room for as many parts as queries, and each has one. */
static bool read_part(struct parser *parser, uint8_t *last)
{
    struct reader *reader = &parser->reader;
    struct expression *out = parser->out;
    size_t first_query = out->n_queries;

    reader_skip_space(reader);
    const char *begin = reader->rest.at;
    if (!read_expression(parser, last))
        return false;
    if (out->nodes[*last].is_number)
        return reader_refuse(reader, begin, "expected a query, and not a number alone");
    out->parts[out->n_parts++] = (struct expression_part){
        .text = reader_text_since(reader, begin),
        .node = *last,
        .first_query = (uint8_t)first_query,
        .n_queries = (uint8_t)(out->n_queries - first_query),
    };
    return true;
}

static bool parse(struct slice text, bool is_list, struct expression *out, char *problem,
                  size_t problem_size)
{
    struct parser parser = { { text, text, problem, problem_size }, out, 0 };
    uint8_t last = 0;

    out->given = text;
    out->text = slice_trim(text, READER_SPACE);
    out->n_nodes = out->n_queries = out->n_parts = 0;
    if (!check_text(&parser, text))
        return false;
    do
        if (!read_part(&parser, &last))
            return false;
    while (is_list && reader_take(&parser.reader, ','));
    return check_end(&parser, last) && check_bands(&parser);
}

bool expression_parse(struct slice text, struct expression *out, char *problem,
                      size_t problem_size)
{
    return parse(text, false, out, problem, problem_size);
}

bool expression_parse_list(struct slice text, struct expression *out, char *problem,
                           size_t problem_size)
{
    return parse(text, true, out, problem, problem_size);
}

/* ---- a change ---------------------------------------------------------- */

/* Puts copies of all nodes and queries behind them, which is the same once more. */
static void repeat(struct expression *expression)
{
    uint8_t n = (uint8_t)expression->n_nodes, queries = (uint8_t)expression->n_queries;

    memcpy(expression->queries + queries, expression->queries,
           queries * sizeof *expression->queries);
    for (uint8_t i = 0; i < n; i++) {
        struct node *node = &expression->nodes[n + i];

        *node = expression->nodes[i];
        node->left = (uint8_t)(node->left + n);
        node->right = (uint8_t)(node->right + n);
        node->query = (uint8_t)(node->query + queries);
    }
    expression->n_nodes *= 2;
    expression->n_queries *= 2;
}

static bool fits_twice(const struct expression *expression, char *problem, size_t problem_size)
{
    const struct node *last = &expression->nodes[expression->n_nodes - 1];

    if (last->kind == NODE_FUNCTION && last->call.function->band) {
        snprintf(problem, problem_size,
                 "column %zu: expected no %s( ) in a change: nothing can be computed with a "
                 "band",
                 expression_column(expression, last->at), last->call.function->name);
        return false;
    }
    if (2 * expression->n_queries <= EXPRESSION_QUERIES_MAX &&
        2 * expression->n_nodes + 2 <= EXPRESSION_NODES_MAX)
        return true;
    snprintf(problem, problem_size,
             "column 1: expected no more than %d queries, and %d of these, numbers, functions "
             "and operators together, where a change is asked for",
             EXPRESSION_QUERIES_MAX / 2, EXPRESSION_NODES_MAX / 2 - 1);
    return false;
}

bool expression_make_change(struct expression *expression, int64_t before_s, bool relative,
                            char *problem, size_t problem_size)
{
    const char *at = expression->text.at;
    struct node before = { .kind = NODE_FUNCTION, .at = at };
    struct node change = { .kind = NODE_OPERATOR,
                           .at = at,
                           .sign = relative ? JOIN_PERCENT : '-' };

    if (!fits_twice(expression, problem, problem_size))
        return false;
    change.left = (uint8_t)(expression->n_nodes - 1);
    repeat(expression);
    before.call.function = function_find(SLICE("timeshift"), &before.call);
    before.call.arguments[0] = -(double)before_s;
    before.left = (uint8_t)(expression->n_nodes - 1);
    change.right = (uint8_t)expression->n_nodes;
    expression->nodes[expression->n_nodes++] = before;
    expression->nodes[expression->n_nodes++] = change;
    expression->parts[0].node = (uint8_t)(expression->n_nodes - 1);
    expression->parts[0].n_queries = (uint8_t)expression->n_queries;
    return true;
}

size_t expression_column(const struct expression *expression, const char *at)
{
    size_t column = 1;

    for (const char *c = expression->given.at; c < at; c++)
        column += ((unsigned char)*c & 0xc0) != 0x80;
    return column;
}
