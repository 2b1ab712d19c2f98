/* flush/language/expression.h: the text of a question in, what is to be computed out.
 *
 *   expression   term, or terms with + and - between them
 *   term         factor, or factors with * and / between them
 *   factor       number, query, function(expression, ...), (expression) or -factor
 *
 * The nodes stand in the order of their evaluation, operands before those that need them; the
 * last one is the answer. Bounded in every direction, so that no text makes much of little.
 *
 * Pure. Queries and nodes are views into the text. A text that is refused is answered with its
 * column, from 1, and what was expected there. */
#ifndef FLUSH_LANGUAGE_EXPRESSION_H
#define FLUSH_LANGUAGE_EXPRESSION_H

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
    char sign;           /* + - * / */
    bool is_number;      /* no query is below it */
    double number;
    struct call call;
};

struct expression {
    struct slice given, text; /* as it was given, and without space around it */
    struct node nodes[EXPRESSION_NODES_MAX];
    size_t n_nodes;
    struct question queries[EXPRESSION_QUERIES_MAX];
    size_t n_queries;
};

/* False with a sentence: "column 9: expected ...". */
bool expression_parse(struct slice text, struct expression *out, char *problem,
                      size_t problem_size);

/* The column of a place in the text of the expression, for a sentence about it. */
size_t expression_column(const struct expression *expression, const char *at);

#endif
