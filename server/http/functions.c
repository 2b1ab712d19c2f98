#include "server/http/functions.h"

#include <event2/buffer.h>

#include "flush/language/functions.h"
#include "flush/memory/json_out.h"

/* Each name that the row stands for. */
static void put_function(struct json_out *out, const struct function *function)
{
    char name[FUNCTION_NAME_MAX];

    for (size_t i = 0; function_name(function, i, name); i++) {
        json_out_begin(out, NULL, '{');
        json_out_text(out, "name", name);
        json_out_text(out, "arguments", function->arguments);
        json_out_text(out, "sentence", function->sentence);
        json_out_end(out, '}');
    }
}

void functions_reply(struct http_exchange *exchange)
{
    struct evbuffer *body = evbuffer_new();
    struct json_out out = { 0 };

    json_out_begin(&out, NULL, '{');
    json_out_begin(&out, "functions", '[');
    for (size_t i = 0; i < function_count; i++)
        put_function(&out, &functions[i]);
    json_out_end(&out, ']');
    json_out_end(&out, '}');
    bytes_add(&out.bytes, "\n", 1);
    if (body != NULL &&
        (out.bytes.failed || evbuffer_add(body, out.bytes.at, out.bytes.len) != 0)) {
        evbuffer_free(body);
        body = NULL;
    }
    bytes_free(&out.bytes);
    http_reply(exchange, 200, "application/json", body);
}

/* A | would end the cell. */
static void print_cell(FILE *out, const char *text)
{
    for (; *text != '\0'; text++)
        fprintf(out, "%s%c", *text == '|' ? "\\" : "", *text);
}

void functions_markdown(FILE *out)
{
    for (size_t i = 0; i < function_count; i++) {
        const struct function *function = &functions[i];
        fputs("| `", out);
        print_cell(out, function->name);
        fputs("(", out);
        print_cell(out, function->arguments);
        fputs(")` | ", out);
        print_cell(out, function->sentence);
        fputs(" |\n", out);
    }
}
