/* tests/support/fake_mail.h: a small real mail server on a port of the kernel's choice.
 *
 * Runs in a thread of its own and takes one connection after the other; keeps every mail that
 * it took, and says no where it is told to. Nothing here sleeps: waiting ends when it came
 * true, or false after a minute. A failed test is undone. */
#ifndef TESTS_SUPPORT_FAKE_MAIL_H
#define TESTS_SUPPORT_FAKE_MAIL_H

#include <stdbool.h>
#include <stddef.h>

struct fake_mail_config {
    const char *certificate, *key; /* paths; with them it offers STARTTLS */
    bool tls_first;                /* smtps */
    const char *user, *password;   /* NULL: no login is asked for */
};

/* What it took. */
struct fake_mail_kept {
    char *from, *to; /* with their brackets */
    char *text;      /* lines end in CR LF; dots are unstuffed */
    bool over_tls, logged_in;
};

struct fake_mail;

struct fake_mail *fake_mail_start(const struct fake_mail_config *config);
void fake_mail_stop(struct fake_mail *given);
int fake_mail_port(const struct fake_mail *fake);

/* The next time that command comes, that is the answer; NULL: it hangs up, "": it says nothing
 * (not of EHLO and AUTH). "HELLO" is the greeting, "." the end of a mail. In the order given.
 * Static texts. */
void fake_mail_answer(struct fake_mail *fake, const char *command, const char *answer);

/* Until it took so many mails. */
bool fake_mail_wait(struct fake_mail *fake, size_t n);
size_t fake_mail_count(struct fake_mail *fake);
size_t fake_mail_commands(struct fake_mail *fake, const char *command); /* how often it came */

/* A view, good until fake_mail_stop. */
const struct fake_mail_kept *fake_mail_at(struct fake_mail *fake, size_t index);

#endif
