#include "tests/support/fake_mail.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/undo.h"

enum {
    MOST_MAILS = 4096,
    MOST_ANSWERS = 64,
    MOST_COMMANDS = 65536,
    LINE_SIZE = 2048,
    WAIT_S = 60
};

struct told_answer {
    const char *command, *answer;
    bool used;
};

struct fake_mail {
    struct fake_mail_config config;
    SSL_CTX *tls;
    int listener, port;
    pthread_t thread;

    pthread_mutex_t mutex; /* all below */
    pthread_cond_t changed;
    int peer; /* -1: nobody is connected */
    bool stopping;
    struct fake_mail_kept mails[MOST_MAILS];
    size_t n_mails;
    struct told_answer answers[MOST_ANSWERS];
    size_t n_answers;
    char commands[MOST_COMMANDS][5];
    size_t n_commands;
};

/* One connection. */
struct talk {
    struct fake_mail *fake;
    int fd;
    SSL *ssl;
    char bytes[4096];
    size_t len, at;
    bool logged_in;
    char from[LINE_SIZE], to[LINE_SIZE];
};

/* ---- bytes ------------------------------------------------------------- */

static bool fill(struct talk *talk)
{
    ssize_t n = talk->ssl != NULL ? SSL_read(talk->ssl, talk->bytes, sizeof talk->bytes)
                                  : recv(talk->fd, talk->bytes, sizeof talk->bytes, 0);

    talk->at = 0;
    talk->len = n > 0 ? (size_t)n : 0;
    return n > 0;
}

/* Without its CR LF. False: the peer has gone. */
static bool read_line(struct talk *talk, char line[LINE_SIZE])
{
    size_t len = 0;

    for (;;) {
        if (talk->at == talk->len && !fill(talk))
            return false;
        char byte = talk->bytes[talk->at++];

        if (byte == '\n')
            break;
        if (len < LINE_SIZE - 1)
            line[len++] = byte;
    }
    if (len > 0 && line[len - 1] == '\r')
        len--;
    line[len] = '\0';
    return true;
}

static bool say(struct talk *talk, const char *text)
{
    char line[LINE_SIZE];
    int len = snprintf(line, sizeof line, "%s\r\n", text);

    return talk->ssl != NULL ? SSL_write(talk->ssl, line, len) == len
                             : send(talk->fd, line, (size_t)len, MSG_NOSIGNAL) == len;
}

static bool begin_tls(struct talk *talk)
{
    talk->ssl = SSL_new(talk->fake->tls);
    SSL_set_fd(talk->ssl, talk->fd);
    return SSL_accept(talk->ssl) == 1;
}

/* ---- commands ---------------------------------------------------------- */

/* What it is told to say to that command, or what is usual; NULL: it hangs up. */
static const char *answer_to(struct fake_mail *fake, const char *command, const char *usual)
{
    pthread_mutex_lock(&fake->mutex);
    if (fake->n_commands < MOST_COMMANDS)
        snprintf(fake->commands[fake->n_commands++], sizeof fake->commands[0], "%s", command);
    for (size_t i = 0; i < fake->n_answers; i++) {
        struct told_answer *told = &fake->answers[i];

        if (!told->used && strcmp(told->command, command) == 0) {
            told->used = true;
            usual = told->answer;
            break;
        }
    }
    pthread_mutex_unlock(&fake->mutex);
    return usual;
}

static bool reply(struct talk *talk, const char *command, const char *usual)
{
    const char *answer = answer_to(talk->fake, command, usual);

    return answer != NULL && (answer[0] == '\0' || say(talk, answer));
}

static bool say_hello(struct talk *talk)
{
    const struct fake_mail_config *config = &talk->fake->config;
    const char *answer = answer_to(talk->fake, "EHLO", "");

    if (answer == NULL || answer[0] != '\0')
        return answer != NULL && say(talk, answer);
    if (config->certificate != NULL && talk->ssl == NULL && !say(talk, "250-STARTTLS"))
        return false;
    if (config->user != NULL && !say(talk, "250-AUTH PLAIN"))
        return false;
    return say(talk, "250 8BITMIME");
}

static bool is_login(const struct talk *talk, const char *sent)
{
    const struct fake_mail_config *config = &talk->fake->config;
    char plain[256], code[400];
    int len = snprintf(plain, sizeof plain, "%c%s%c%s", 0, config->user, 0, config->password);

    EVP_EncodeBlock((unsigned char *)code, (unsigned char *)plain, len);
    return strcmp(sent, code) == 0;
}

/* "AUTH PLAIN" and the rest behind it, or on a line of its own. */
static bool log_in(struct talk *talk, char line[LINE_SIZE])
{
    const char *answer = answer_to(talk->fake, "AUTH", "");
    char *sent = line + strlen("AUTH PLAIN");

    if (answer == NULL || answer[0] != '\0')
        return answer != NULL && say(talk, answer);
    if (*sent == '\0') {
        if (!say(talk, "334 ") || !read_line(talk, line))
            return false;
        sent = line;
    } else {
        sent++;
    }
    talk->logged_in = is_login(talk, sent);
    return say(talk, talk->logged_in ? "235 yes" : "535 5.7.8 no such user or password");
}

static void keep_mail(struct talk *talk, char *text)
{
    struct fake_mail *fake = talk->fake;

    pthread_mutex_lock(&fake->mutex);
    if (fake->n_mails < MOST_MAILS)
        fake->mails[fake->n_mails++] =
            (struct fake_mail_kept){ strdup(talk->from), strdup(talk->to), text,
                                     talk->ssl != NULL, talk->logged_in };
    else
        free(text);
    pthread_cond_broadcast(&fake->changed);
    pthread_mutex_unlock(&fake->mutex);
}

static bool take_data(struct talk *talk)
{
    char line[LINE_SIZE], *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    bool whole = false;

    while (!whole && read_line(talk, line)) {
        whole = strcmp(line, ".") == 0;
        if (!whole)
            fprintf(out, "%s\r\n", line[0] == '.' ? line + 1 : line);
    }
    fclose(out);
    const char *answer = whole ? answer_to(talk->fake, ".", "250 2.0.0 taken as 42") : NULL;

    if (answer != NULL && answer[0] == '2')
        keep_mail(talk, text);
    else
        free(text);
    return answer != NULL && say(talk, answer);
}

static bool needs_login(const struct talk *talk)
{
    return talk->fake->config.user != NULL && !talk->logged_in;
}

static bool obey(struct talk *talk, char line[LINE_SIZE])
{
    if (strncasecmp(line, "EHLO", 4) == 0 || strncasecmp(line, "HELO", 4) == 0)
        return say_hello(talk);
    if (strncasecmp(line, "STARTTLS", 8) == 0)
        return reply(talk, "STAR", "220 go on") && begin_tls(talk);
    if (strncasecmp(line, "AUTH PLAIN", 10) == 0)
        return log_in(talk, line);
    if (strncasecmp(line, "MAIL FROM:", 10) == 0) {
        snprintf(talk->from, sizeof talk->from, "%s", line + 10);
        return reply(talk, "MAIL", needs_login(talk) ? "530 5.7.0 log in first" : "250 ok");
    }
    if (strncasecmp(line, "RCPT TO:", 8) == 0) {
        snprintf(talk->to, sizeof talk->to, "%s", line + 8);
        return reply(talk, "RCPT", "250 ok");
    }
    if (strncasecmp(line, "DATA", 4) == 0) {
        const char *answer = answer_to(talk->fake, "DATA", "354 go on");

        return answer != NULL && say(talk, answer) && (answer[0] != '3' || take_data(talk));
    }
    if (strncasecmp(line, "QUIT", 4) == 0) {
        return reply(talk, "QUIT", "221 bye");
    }
    return say(talk, "502 what");
}

static void serve(struct fake_mail *fake, int fd)
{
    struct talk talk = { .fake = fake, .fd = fd };
    char line[LINE_SIZE];

    if ((!fake->config.tls_first || begin_tls(&talk)) &&
        reply(&talk, "HELLO", "220 fake ESMTP"))
        while (read_line(&talk, line) && obey(&talk, line))
            ;
    if (talk.ssl != NULL)
        SSL_free(talk.ssl);
}

/* ---- the thread -------------------------------------------------------- */

static void *run(void *argument)
{
    struct fake_mail *fake = argument;
    bool stopping = false;

    while (!stopping) {
        int fd = accept(fake->listener, NULL, NULL);

        pthread_mutex_lock(&fake->mutex);
        fake->peer = fd;
        stopping = fake->stopping;
        pthread_mutex_unlock(&fake->mutex);
        if (fd < 0)
            continue;
        if (!stopping)
            serve(fake, fd);
        pthread_mutex_lock(&fake->mutex);
        fake->peer = -1;
        stopping = fake->stopping;
        pthread_mutex_unlock(&fake->mutex);
        close(fd);
    }
    return NULL;
}

static void undo(void *fake)
{
    fake_mail_stop(fake);
}

struct fake_mail *fake_mail_start(const struct fake_mail_config *config)
{
    struct fake_mail *fake = calloc(1, sizeof *fake);
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof address;

    signal(SIGPIPE, SIG_IGN); /* OpenSSL writes to a peer that hung up, on either side */
    fake->config = *config;
    fake->peer = -1;
    pthread_mutex_init(&fake->mutex, NULL);
    pthread_cond_init(&fake->changed, NULL);
    if (config->certificate != NULL) {
        fake->tls = SSL_CTX_new(TLS_server_method());
        assert_int_equal(SSL_CTX_use_certificate_chain_file(fake->tls, config->certificate), 1);
        assert_int_equal(SSL_CTX_use_PrivateKey_file(fake->tls, config->key, SSL_FILETYPE_PEM),
                         1);
    }
    fake->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fake->listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(fake->listener, 128), 0);
    assert_int_equal(getsockname(fake->listener, (struct sockaddr *)&address, &size), 0);
    fake->port = ntohs(address.sin_port);
    assert_int_equal(pthread_create(&fake->thread, NULL, run, fake), 0);
    undo_later(undo, fake);
    return fake;
}

void fake_mail_stop(struct fake_mail *given)
{
    undo_forget(given);
    pthread_mutex_lock(&given->mutex);
    given->stopping = true;
    shutdown(given->listener, SHUT_RDWR);
    if (given->peer >= 0)
        shutdown(given->peer, SHUT_RDWR);
    pthread_mutex_unlock(&given->mutex);
    pthread_join(given->thread, NULL);
    close(given->listener);
    for (size_t i = 0; i < given->n_mails; i++) {
        free(given->mails[i].from);
        free(given->mails[i].to);
        free(given->mails[i].text);
    }
    SSL_CTX_free(given->tls);
    pthread_mutex_destroy(&given->mutex);
    pthread_cond_destroy(&given->changed);
    free(given);
}

/* ---- what it saw ------------------------------------------------------- */

int fake_mail_port(const struct fake_mail *fake)
{
    return fake->port;
}

void fake_mail_answer(struct fake_mail *fake, const char *command, const char *answer)
{
    pthread_mutex_lock(&fake->mutex);
    assert_true(fake->n_answers < MOST_ANSWERS);
    fake->answers[fake->n_answers++] = (struct told_answer){ command, answer, false };
    pthread_mutex_unlock(&fake->mutex);
}

bool fake_mail_wait(struct fake_mail *fake, size_t n)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WAIT_S;
    pthread_mutex_lock(&fake->mutex);
    while (fake->n_mails < n &&
           pthread_cond_timedwait(&fake->changed, &fake->mutex, &until) == 0)
        ;
    bool came = fake->n_mails >= n;

    pthread_mutex_unlock(&fake->mutex);
    return came;
}

size_t fake_mail_count(struct fake_mail *fake)
{
    pthread_mutex_lock(&fake->mutex);
    size_t n = fake->n_mails;

    pthread_mutex_unlock(&fake->mutex);
    return n;
}

size_t fake_mail_commands(struct fake_mail *fake, const char *command)
{
    size_t n = 0;

    pthread_mutex_lock(&fake->mutex);
    for (size_t i = 0; i < fake->n_commands; i++)
        n += strncmp(fake->commands[i], command, 4) == 0;
    pthread_mutex_unlock(&fake->mutex);
    return n;
}

const struct fake_mail_kept *fake_mail_at(struct fake_mail *fake, size_t index)
{
    pthread_mutex_lock(&fake->mutex);
    assert_true(index < fake->n_mails);
    const struct fake_mail_kept *kept = &fake->mails[index];

    pthread_mutex_unlock(&fake->mutex);
    return kept;
}
