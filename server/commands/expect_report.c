#include "server/commands/expect_report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/shown.h"

/* ---- for a person ------------------------------------------------------ */

int command_end_status(const struct command_end *end)
{
    enum { SIGNALLED = 128, TIMED_OUT = 124 };

    if (end->timed_out)
        return TIMED_OUT;
    return end->by_signal ? SIGNALLED + end->number : end->number;
}

void expect_report_put_end(FILE *out, const struct command_end *end)
{
    if (end->timed_out)
        fprintf(out, "the command did not end in %lld s and was ended",
                (long long)end->timeout_s);
    else if (end->by_signal)
        fprintf(out, "the command was ended by signal %d (%s)", end->number,
                strsignal(end->number));
    else
        fprintf(out, "the command ended with status %d", end->number);
}

static void put_came(FILE *out, struct expect_seen *seen)
{
    size_t n[EXPECT_KINDS] = { 0 };

    for (size_t i = 0; i < expect_seen_count(seen); i++)
        n[expect_seen_at(seen, i)->kind]++;
    fprintf(out, "%zu series, %zu event%s and %zu service check%s came", n[EXPECT_SERIES],
            n[EXPECT_EVENT], n[EXPECT_EVENT] == 1 ? "" : "s", n[EXPECT_CHECK],
            n[EXPECT_CHECK] == 1 ? "" : "s");
}

/* What may explain a difference. */
static void put_losses(FILE *out, const struct private_account *account)
{
    if (account->rejected > 0)
        fprintf(out, "heeler expect: %llu of %llu lines were refused (see above)\n",
                (unsigned long long)account->rejected, (unsigned long long)account->lines);
    if (account->shed > 0)
        fprintf(out,
                "heeler expect: %llu values were taken and dropped by the settings or for "
                "want of room\n",
                (unsigned long long)account->shed);
    if (account->drops > 0)
        fprintf(
            out,
            "heeler expect: %llu datagrams were lost, as the kernel had no room for them: at "
            "a unix socket (--over unix) senders wait\n",
            (unsigned long long)account->drops);
}

/* Each line, moved to the right. */
static void put_indented(FILE *out, const char *text)
{
    while (*text != '\0') {
        size_t len = strcspn(text, "\n");

        fprintf(out, "    %.*s\n", (int)len, text);
        text += len + (text[len] == '\n');
    }
}

static void put_place(FILE *out, const char *path, size_t line)
{
    shown_put_text(out, path);
    if (line > 0)
        fprintf(out, ":%zu", line);
    fputs(": ", out);
}

void expect_report_put(FILE *out, const struct verdicts *verdicts, const char *path,
                       struct expect_seen *seen, const struct private_account *account)
{
    put_losses(out, account);
    fputs("heeler expect: ", out);
    shown_put_text(out, path);
    if (verdicts->failed)
        fputs(": there is not enough memory to compare; ", out);
    else if (verdicts->n_failed == 0)
        fprintf(out, ": %zu expectation%s met; ", verdicts->n,
                verdicts->n == 1 ? " is" : "s are");
    else
        fprintf(out, ": %zu of %zu expectation%s not met; ", verdicts->n_failed, verdicts->n,
                verdicts->n_failed == 1 ? " is" : "s are");
    put_came(out, seen);
    fputc('\n', out);
    if (expect_seen_count(seen) == 0 && account->lines == 0 && verdicts->n_failed > 0)
        fputs("heeler expect: was it sent to DD_AGENT_HOST and DD_DOGSTATSD_PORT, and was the "
              "client closed before the command ended?\n",
              out);
    for (size_t i = 0; i < verdicts->n; i++) {
        if (verdicts->at[i].difference == NULL)
            continue;
        fputc('\n', out);
        put_place(out, path, verdicts->at[i].line);
        fprintf(out, "%s\n", verdicts->at[i].title);
        put_indented(out, verdicts->at[i].difference);
    }
}

/* ---- for a CI ---------------------------------------------------------- */

/* What it is given is plain text already (config/shown.h), all of which XML allows but for
 * U+FFFE and U+FFFF. */
static void put_xml(FILE *out, const char *text)
{
    for (; *text != '\0'; text++)
        switch (*text) {
        case '\xef':
            if (text[1] == '\xbf' && (text[2] == '\xbe' || text[2] == '\xbf')) {
                fputs("\xef\xbf\xbd", out);
                text += 2;
                break;
            }
            fputc(*text, out);
            break;
        case '&':
            fputs("&amp;", out);
            break;
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        case '"':
            fputs("&quot;", out);
            break;
        case '\n':
            fputs("&#10;", out);
            break;
        default:
            fputc(*text, out);
        }
}

static void put_shown_xml(FILE *out, const char *text)
{
    char *shown = NULL;
    size_t len;
    FILE *stream = open_memstream(&shown, &len);

    if (stream == NULL)
        return;
    shown_put_text(stream, text);
    if (fclose(stream) == 0)
        put_xml(out, shown);
    free(shown);
}

static void put_case(FILE *out, const char *file_path, const char *name, const char *kind,
                     const char *text)
{
    fputs("  <testcase classname=\"", out);
    put_shown_xml(out, file_path);
    fputs("\" name=\"", out);
    put_xml(out, name);
    if (text == NULL) {
        fputs("\"/>\n", out);
        return;
    }
    fprintf(out, "\">\n    <%s message=\"", kind);
    put_xml(out, text);
    fputs("\">", out);
    put_xml(out, text);
    fprintf(out, "</%s>\n  </testcase>\n", kind);
}

static void put_command(FILE *out, const char *file_path, const struct command_end *end)
{
    char *text = NULL;
    size_t len;
    FILE *stream = command_end_status(end) != 0 ? open_memstream(&text, &len) : NULL;

    if (stream != NULL) {
        expect_report_put_end(stream, end);
        fclose(stream);
    }
    put_case(out, file_path, "the command", "error", text);
    free(text);
}

static void put_document(FILE *out, const struct verdicts *verdicts,
                         const struct command_end *end, const char *file_path, double seconds)
{
    fprintf(out,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
            "<testsuite name=\"heeler expect\" tests=\"%zu\" failures=\"%zu\" errors=\"%d\" "
            "skipped=\"0\" time=\"%.3f\">\n",
            verdicts->n + 1, verdicts->n_failed, command_end_status(end) != 0, seconds);
    put_command(out, file_path, end);
    for (size_t i = 0; i < verdicts->n; i++)
        put_case(out, file_path, verdicts->at[i].title, "failure", verdicts->at[i].difference);
    fputs("</testsuite>\n", out);
}

bool expect_report_junit(const char *path, const struct verdicts *verdicts,
                         const struct command_end *end, const char *file_path, double seconds)
{
    FILE *out = fopen(path, "we");

    if (out == NULL)
        return false;
    put_document(out, verdicts, end, file_path, seconds);
    bool written = ferror(out) == 0;

    return fclose(out) == 0 && written;
}
