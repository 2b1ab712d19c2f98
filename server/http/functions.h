/* server/http/functions.h: the functions of the query language, for who completes a question
 * and for who reads about them (flush/language/functions_table.h).
 *
 *   GET /api/v1/functions {"functions":[{"name":"ewma_3","arguments":"query","sentence":...}]}
 */
#ifndef SERVER_HTTP_FUNCTIONS_H
#define SERVER_HTTP_FUNCTIONS_H

#include <stdio.h>

#include "server/http/http_handler.h"

void functions_reply(struct http_exchange *exchange);

/* The rows of the table in docs/questions.md. */
void functions_markdown(FILE *out);

#endif
