#include "flush/notify/mail.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "flush/monitors/template.h"
#include "flush/notify/mail_encode.h"

/* "=_" stands neither in quoted-printable nor in base 64, so no part can end another. */
#define RELATED     "=_heeler_related"
#define ALTERNATIVE "=_heeler_alternative"

enum { TITLE_MAX = 500, HOST_MAX = 200, TIME_SIZE = 64 };

/* ---- headers ----------------------------------------------------------- */

/* Only what is safe in a header, whoever made it. */
static void add_safe(struct bytes *out, struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        char byte = text.at[i];

        bytes_add(out, isalnum((unsigned char)byte) || byte == '.' ? &byte : "-", 1);
    }
}

/* "<ID@host>"; of a host without a name "heeler". */
static void add_message_id(struct bytes *out, const char *prefix, struct slice id,
                           const char *hostname)
{
    struct slice host = slice_trim(slice_of(hostname), ".");

    host.len = host.len < HOST_MAX ? host.len : HOST_MAX;
    bytes_add_text(out, "<");
    bytes_add_text(out, prefix);
    add_safe(out, id);
    bytes_add_text(out, "@");
    add_safe(out, host.len > 0 ? host : SLICE("heeler"));
    bytes_add_text(out, ">");
}

/* "7.0123456789abcdef" of "7.0123456789abcdef.alert.1796061600.0": the same for all that is
 * told of one group. */
static struct slice thread_of(struct slice id)
{
    struct slice rest = id;
    size_t len = slice_cut(&rest, '.').len + 1;

    len += slice_cut(&rest, '.').len;
    return (struct slice){ id.at, len < id.len ? len : id.len };
}

/* RFC 5322, 3.3; in English whatever the locale. */
static void add_date(struct bytes *out, int64_t at_s)
{
    static const char *const days[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
    static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
    char text[TIME_SIZE];
    time_t at = (time_t)at_s;
    struct tm of;

    if (gmtime_r(&at, &of) == NULL)
        return;
    int len = snprintf(text, sizeof text, "Date: %s, %02d %s %04d %02d:%02d:%02d +0000\r\n",
                       days[of.tm_wday], of.tm_mday, months[of.tm_mon], of.tm_year + 1900,
                       of.tm_hour, of.tm_min, of.tm_sec);

    bytes_add(out, text, (size_t)len);
}

static struct slice cut_title(struct slice title)
{
    if (title.len > TITLE_MAX)
        for (title.len = TITLE_MAX;
             title.len > 0 && ((unsigned char)title.at[title.len] & 0xc0) == 0x80; title.len--)
            ;
    return title;
}

static void add_headers(const struct mail *mail, struct bytes *out)
{
    const struct notification *of = mail->notification;
    struct slice id = slice_of(of->id);

    add_date(out, of->raised_s);
    bytes_add_text(out, "From: Heeler <");
    bytes_add_text(out, mail->from);
    bytes_add_text(out, ">\r\nTo: <");
    bytes_add_slice(out, of->receiver);
    bytes_add_text(out, ">\r\nMessage-ID: ");
    add_message_id(out, "", id, mail->hostname);
    bytes_add_text(out, "\r\nIn-Reply-To: ");
    add_message_id(out, "group.", thread_of(id), mail->hostname);
    bytes_add_text(out, "\r\nReferences: ");
    add_message_id(out, "group.", thread_of(id), mail->hostname);
    bytes_add_text(out, "\r\n");
    mail_encode_header("Subject", cut_title(of->title), out);
    bytes_add_text(out, "X-Heeler-Notification: ");
    add_safe(out, id);
    bytes_add_text(out, "\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n");
}

/* ---- facts, below the message ------------------------------------------ */

struct fact {
    const char *name;
    struct slice value;
};

enum { FACTS_MAX = 8 };

struct facts {
    struct fact at[FACTS_MAX];
    size_t n;
    char number[32], time[TIME_SIZE];
};

static void add_fact(struct facts *facts, const char *name, struct slice value)
{
    if (value.len > 0)
        facts->at[facts->n++] = (struct fact){ name, value };
}

static struct slice time_text(int64_t at_s, char out[TIME_SIZE])
{
    time_t at = (time_t)at_s;
    struct tm of;

    if (gmtime_r(&at, &of) == NULL)
        return SLICE("");
    return (struct slice){ out, strftime(out, TIME_SIZE, "%Y-%m-%d %H:%M:%S UTC", &of) };
}

static void collect_facts(const struct notification *of, struct facts *out)
{
    out->n = 0;
    add_fact(out, "Monitor", of->monitor_name);
    add_fact(out, "Group", slice_equal(of->group, SLICE("*")) ? SLICE("") : of->group);
    if (of->monitor_name.len > 0) /* and is no digest */
        add_fact(out, "State", slice_of(monitor_state_word(of->transition.to)));
    if (of->has_value)
        add_fact(out, "Value",
                 (struct slice){ out->number, template_number(of->value, out->number) });
    add_fact(out, "Query", of->query);
    add_fact(out, "Since", time_text(of->transition.at_s, out->time));
    add_fact(out, "Tags", of->tags);
    add_fact(out, "Page", of->link);
}

/* ---- bodies ------------------------------------------------------------ */

static void write_text(const struct notification *of, const struct facts *facts,
                       struct bytes *out)
{
    bytes_add_slice(out, of->text);
    bytes_add_text(out, "\n\n-- \n");
    for (size_t i = 0; i < facts->n; i++) {
        bytes_add_text(out, facts->at[i].name);
        bytes_add_text(out, ": ");
        bytes_add_slice(out, facts->at[i].value);
        bytes_add_text(out, "\n");
    }
}

/* Ends of lines become <br>. */
static void add_paragraph(struct slice text, struct bytes *out)
{
    while (text.len > 0) {
        mail_encode_html(slice_trim(slice_cut(&text, '\n'), "\r"), out);
        if (text.len > 0)
            bytes_add_text(out, "<br>\n");
    }
}

static bool is_web_link(struct slice text)
{
    return slice_starts(text, SLICE("http://")) || slice_starts(text, SLICE("https://"));
}

static void add_fact_value(const struct fact *fact, struct bytes *out)
{
    bool is_link = strcmp(fact->name, "Page") == 0 && is_web_link(fact->value);

    if (is_link) {
        bytes_add_text(out, "<a href=\"");
        mail_encode_html(fact->value, out);
        bytes_add_text(out, "\">");
    }
    mail_encode_html(fact->value, out);
    bytes_add_text(out, is_link ? "</a>" : "");
}

static void write_html(const struct notification *of, const struct facts *facts,
                       struct bytes *out)
{
    static const char *const colours[] = { [MONITOR_OK] = "#1a7f37",
                                           [MONITOR_NO_DATA] = "#6e7781",
                                           [MONITOR_WARN] = "#9a6700",
                                           [MONITOR_ALERT] = "#cf222e" };

    bytes_add_text(out, "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"></head>\n<body "
                        "style=\"font-family:sans-serif\">\n<h3 style=\"color:");
    bytes_add_text(out, colours[of->transition.to]);
    bytes_add_text(out, "\">");
    mail_encode_html(cut_title(of->title), out);
    bytes_add_text(out, "</h3>\n<p>");
    add_paragraph(of->text, out);
    bytes_add_text(out, "</p>\n");
    if (of->picture.len > 0)
        bytes_add_text(
            out, "<p><img src=\"cid:picture@heeler\" alt=\"\" style=\"max-width:100%\"></p>\n");
    bytes_add_text(out, "<table style=\"color:#57606a;font-size:small\">\n");
    for (size_t i = 0; i < facts->n; i++) {
        bytes_add_text(out, "<tr><td>");
        bytes_add_text(out, facts->at[i].name);
        bytes_add_text(out, "</td><td>");
        add_fact_value(&facts->at[i], out);
        bytes_add_text(out, "</td></tr>\n");
    }
    bytes_add_text(out, "</table>\n</body></html>\n");
}

static void add_part(const char *type, const struct bytes *body, struct bytes *out)
{
    bytes_add_text(out, "--" ALTERNATIVE "\r\nContent-Type: ");
    bytes_add_text(out, type);
    bytes_add_text(out,
                   "; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n");
    mail_encode_quoted(bytes_view(body), out);
    out->failed = out->failed || body->failed;
}

static void add_alternatives(const struct notification *of, struct bytes *out)
{
    struct bytes text = { 0 }, html = { 0 };
    struct facts facts;

    collect_facts(of, &facts);
    write_text(of, &facts, &text);
    write_html(of, &facts, &html);
    bytes_add_text(out,
                   "Content-Type: multipart/alternative; boundary=\"" ALTERNATIVE "\"\r\n\r\n");
    add_part("text/plain", &text, out);
    add_part("text/html", &html, out);
    bytes_add_text(out, "--" ALTERNATIVE "--\r\n");
    bytes_free(&text);
    bytes_free(&html);
}

bool mail_write(const struct mail *mail, struct bytes *out)
{
    const struct notification *of = mail->notification;

    add_headers(mail, out);
    if (of->picture.len == 0) {
        add_alternatives(of, out);
        return !out->failed;
    }
    bytes_add_text(out, "Content-Type: multipart/related; type=\"multipart/alternative\"; "
                        "boundary=\"" RELATED "\"\r\n\r\n--" RELATED "\r\n");
    add_alternatives(of, out);
    bytes_add_text(out, "--" RELATED "\r\nContent-Type: image/png; name=\"picture.png\"\r\n"
                        "Content-ID: <picture@heeler>\r\n"
                        "Content-Disposition: inline; filename=\"picture.png\"\r\n"
                        "Content-Transfer-Encoding: base64\r\n\r\n");
    mail_encode_base64(bytes_view(&of->picture), out);
    bytes_add_text(out, "--" RELATED "--\r\n");
    return !out->failed;
}
