/* What the values of an answer are numbers of: what those of its metric are, unless something
 * was made of them that has another unit. */
#include "flush/rollups/evaluation_internal.h"
#include "flush/rollups/units.h"

enum { NO_QUERY = EXPRESSION_QUERIES_MAX };

/* How many there are has no unit. */
static bool counts(const struct question *query)
{
    return query->aggregate == AGGREGATE_OVER_COUNT || query->method == METHOD_COUNT;
}

static size_t of_operator(const struct expression *expression, const struct node *node,
                          size_t left, size_t right)
{
    const struct node *nodes = expression->nodes;

    if (node->sign != '+' && node->sign != '-')
        return NO_QUERY;
    if (nodes[node->left].is_number || nodes[node->right].is_number)
        return nodes[node->left].is_number ? right : left;
    return left != NO_QUERY && right != NO_QUERY &&
                   slice_equal(expression->queries[left].metric,
                               expression->queries[right].metric)
               ? left
               : NO_QUERY;
}

/* The query whose unit the node has, or NO_QUERY. units: of the nodes before it. */
static size_t of_node(const struct expression *expression, const struct node *node,
                      const size_t units[])
{
    switch (node->kind) {
    case NODE_QUERY:
        return counts(&expression->queries[node->query]) ? (size_t)NO_QUERY : node->query;
    case NODE_FILL:
        return units[node->left];
    case NODE_FUNCTION:
        return node->call.function->keeps_unit != NULL &&
                       node->call.function->keeps_unit(&node->call)
                   ? units[node->left]
                   : (size_t)NO_QUERY;
    case NODE_OPERATOR:
        return of_operator(expression, node, units[node->left], units[node->right]);
    case NODE_NUMBER:
        break;
    }
    return NO_QUERY;
}

void evaluation_find_unit(struct evaluation *evaluation)
{
    const struct expression *expression = &evaluation->expression;
    size_t units[EXPRESSION_NODES_MAX], last = evaluation_part(evaluation)->node;

    bytes_clear(&evaluation->unit);
    for (size_t i = 0; i <= last; i++)
        units[i] = of_node(expression, &expression->nodes[i], units);
    if (units[last] == NO_QUERY)
        bytes_add(&evaluation->unit, "null", 4);
    else
        units_write(evaluation->units, expression->queries[units[last]].metric,
                    evaluation->own[units[last]], &evaluation->unit);
}
