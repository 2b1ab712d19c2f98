/* Any report of the runner of checks. What is refused is refused with a sentence; what is taken
 * is JSON of bounded length, from which the same comes again, and sentences of one line. */
#include <stdlib.h>
#include <string.h>

#include "flush/memory/json_view.h"
#include "server/api/checks_report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NOW_MS = 7000, NOW_S = 1796000000 };

/* An instance has at most some 700 bytes of names and nulls; an escape of a byte has six. */
enum { REPORT_MAX_BYTES = 4096, INSTANCE_MAX_BYTES = 700, GROWTH = 6 };

static void check(bool holds)
{
    if (!holds)
        abort();
}

static void check_sentence(const char *sentence, size_t room)
{
    check(memchr(sentence, '\0', room) != NULL);
    for (; *sentence != '\0'; sentence++)
        check(*sentence >= ' ' && *sentence <= '~');
}

static void check_brief(const struct checks_brief *brief)
{
    struct json_fault fault;
    struct slice value;
    uint64_t sum = 0;

    check_sentence(brief->worst, sizeof brief->worst);
    check_sentence(brief->problem, sizeof brief->problem);
    check(json_view_check(bytes_view(&brief->report), SIZE_MAX, &value, &fault));
    for (int i = 0; i < CHECKS_STATE_COUNT; i++)
        sum += brief->instances[i];
    check(sum <= CHECKS_INSTANCES_MAX && sum <= brief->all && brief->failing <= sum);
}

/* What was written is read again, and says the same. */
static void check_again(const struct bytes *whole)
{
    char problem[CHECKS_PROBLEM_MAX];
    struct checks_brief *brief;
    struct json_fault fault;
    struct slice value;
    struct bytes again;

    check(json_view_check(bytes_view(whole), SIZE_MAX, &value, &fault));
    check(checks_report_read(value, NOW_MS, NOW_S, &brief, &again, problem) == CHECKS_READ);
    check_brief(brief);
    checks_brief_free(brief);
    bytes_free(&again);
}

static void check_report(struct slice body, size_t size)
{
    char problem[CHECKS_PROBLEM_MAX] = "";
    struct checks_brief *brief;
    struct bytes whole;

    switch (checks_report_read(body, NOW_MS, NOW_S, &brief, &whole, problem)) {
    case CHECKS_READ:
        check(whole.len <=
              GROWTH * size + REPORT_MAX_BYTES + INSTANCE_MAX_BYTES * (size_t)brief->all);
        check_brief(brief);
        check_again(&whole);
        checks_brief_free(brief);
        bytes_free(&whole);
        break;
    case CHECKS_WRONG:
        check(problem[0] != '\0' && brief == NULL && whole.at == NULL);
        break;
    case CHECKS_NO_MEMORY:
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size + 1); /* not a byte more than is named */
    struct slice text = { copy, size }, value;
    struct json_fault fault;

    check(copy != NULL);
    if (size > 0)
        memcpy(copy, data, size);
    if (json_view_check(text, CHECKS_KEYS_MAX, &value, &fault) &&
        json_view_kind(value) == JSON_KIND_OBJECT)
        check_report(value, size);
    free(copy);
    return 0;
}
