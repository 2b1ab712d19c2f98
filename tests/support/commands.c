#include "tests/support/commands.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static long number_after(const char **at, const char *end, char kind)
{
    char *stop;

    assert_true(*at < end && **at == kind);
    long n = strtol(*at + 1, &stop, 10);
    assert_true(stop + 2 <= end && stop[0] == '\r' && stop[1] == '\n');
    *at = stop + 2;
    return n;
}

static void show(struct command *command, FILE *out)
{
    for (size_t i = 0; i < command->n_words; i++) {
        struct slice word = command->words[i];
        const char *blob = memchr(word.at, '\n', word.len);
        size_t plain = blob != NULL ? (size_t)(blob - word.at) : word.len;

        fprintf(out, "%s%.*s", i > 0 ? " " : "", (int)plain, word.at);
        if (blob != NULL)
            fprintf(out, "~%zu", word.len - plain - 1);
    }
}

static const char *read_command(struct command *out, const char *at, const char *end)
{
    const char *begin = at;
    size_t size;

    out->n_words = (size_t)number_after(&at, end, '*');
    assert_true(out->n_words >= 2 && out->n_words <= COMMAND_WORDS_MAX);
    for (size_t i = 0; i < out->n_words; i++) {
        long len = number_after(&at, end, '$');
        assert_true(len >= 0 && at + len + 2 <= end && at[len] == '\r' && at[len + 1] == '\n');
        out->words[i] = (struct slice){ at, (size_t)len };
        at += len + 2;
    }
    out->bytes = malloc((size_t)(at - begin));
    memcpy(out->bytes, begin, (size_t)(at - begin));
    for (size_t i = 0; i < out->n_words; i++)
        out->words[i].at = out->bytes + (out->words[i].at - begin);
    FILE *text = open_memstream(&out->text, &size);
    show(out, text);
    fclose(text);
    return at;
}

static void read_payload(struct commands *out, const struct payload *payload)
{
    const char *at = (const char *)payload->bytes, *end = at + payload->size;

    while (at < end) {
        if ((out->n & (out->n - 1)) == 0) /* full: 0, 1, 2, 4 ... */
            out->at = realloc(out->at, (out->n > 0 ? out->n * 2 : 1) * sizeof *out->at);
        at = read_command(&out->at[out->n], at, end);
        out->at[out->n++].payload = (uint32_t)out->payloads;
    }
    out->payloads++;
    out->points += payload->points;
    out->largest = payload->size > out->largest ? payload->size : out->largest;
}

void commands_take(struct commands *out, struct outbox *outbox)
{
    struct payload *payload = outbox_take(outbox);

    *out = (struct commands){ 0 };
    while (payload != NULL) {
        struct payload *next = payload->next;
        if (payload->route == ROUTE_REDIS)
            read_payload(out, payload);
        outbox_settle(outbox, payload);
        payload = next;
    }
}

void commands_free(struct commands *given)
{
    for (size_t i = 0; i < given->n; i++) {
        free(given->at[i].text);
        free(given->at[i].bytes);
    }
    free(given->at);
    *given = (struct commands){ 0 };
}

size_t commands_count(const struct commands *commands, const char *text)
{
    size_t n = 0;

    for (size_t i = 0; i < commands->n; i++)
        n += strcmp(commands->at[i].text, text) == 0;
    return n;
}

size_t commands_begin(const struct commands *commands, const char *text)
{
    size_t n = 0;

    for (size_t i = 0; i < commands->n; i++)
        n += strncmp(commands->at[i].text, text, strlen(text)) == 0;
    return n;
}

void commands_print(const struct commands *commands)
{
    for (size_t i = 0; i < commands->n; i++)
        print_message("%u: %s\n", commands->at[i].payload, commands->at[i].text);
}
