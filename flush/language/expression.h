/* flush/language/expression.h: the text of a question in, what is to be computed out.
 *
 *   list         expression, or expressions with commas between them
 *   expression   term, or terms with + and - between them
 *   term         factor, or factors with * and / between them
 *   factor       number, query, function(expression, ...), (expression) or -factor
 *
 * The nodes stand in the order of their evaluation, operands before those that need them; the
 * last one of a part is its answer. Bounded in every direction, so that no text makes much of
 * little.
 *
 * Pure. Queries and nodes are views into the text. A text that is refused is answered with its
 * column, from 1, and what was expected there. */
#ifndef FLUSH_LANGUAGE_EXPRESSION_H
#define FLUSH_LANGUAGE_EXPRESSION_H

#include "config/must_check.h"
#include "flush/language/functions.h"

enum {
    EXPRESSION_NODES_MAX = 128,
    EXPRESSION_QUERIES_MAX = 16,
    EXPRESSION_DEPTH_MAX = 32 /* of parentheses and functions */
};

enum node_kind { NODE_NUMBER, NODE_QUERY, NODE_FILL, NODE_FUNCTION, NODE_OPERATOR };

struct node {
    enum node_kind kind;
    const char *at;      /* where it stands in the text */
    uint8_t left, right; /* operands, numbers of nodes; a function has the left one */
    uint8_t query;       /* of NODE_QUERY, and of its NODE_FILL */
    char sign;           /* + - * / or JOIN_PERCENT */
    bool is_number;      /* no query is below it */
    double number;
    struct call call;
};

/* One of those of a list; without commas there is one. */
struct expression_part {
    struct slice text; /* without space around it */
    uint8_t node;      /* the number of its last one */
    uint8_t first_query, n_queries;
};

struct expression {
    struct slice given, text; /* as it was given, and without space around it */
    struct expression_part parts[EXPRESSION_QUERIES_MAX]; /* each has a query */
    size_t n_parts;
    struct node nodes[EXPRESSION_NODES_MAX];
    size_t n_nodes;
    struct question queries[EXPRESSION_QUERIES_MAX];
    size_t n_queries;
};

/* One expression. False with a sentence: "column 9: expected ...". */
bool expression_parse(struct slice text, struct expression *out, char *problem,
                      size_t problem_size);

/* The same of a list, as graphs have it. Bounds are of all its parts together. */
bool expression_parse_list(struct slice text, struct expression *out, char *problem,
                           size_t problem_size);

/* Makes of one expression what it is more than it was so long before, or (relative) how much
 * more that is in percent of what it was, point by point. False with a sentence: it has too
 * many parts to be there twice, or a band, with which nothing can be computed. */
MUST_CHECK bool expression_make_change(struct expression *expression, int64_t before_s,
                                       bool relative, char *problem, size_t problem_size);

/* The column of a place in the text of the expression, for a sentence about it. */
size_t expression_column(const struct expression *expression, const char *at);

#endif
