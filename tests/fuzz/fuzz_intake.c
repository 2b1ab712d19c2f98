/* fuzz_intake: any bytes as the answer of an intake, over a pair of sockets. The first
 * byte chooses whether it is about a payload or the key, and whether the bytes come
 * again and again. What libcurl makes of them is judged as delivery does. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "flush/delivery/intake.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST_BYTES = 2 * INTAKE_ANSWER_MAX, A_HEADER = 100 * 1024 };

static struct intake intake;
static struct intake_request request;
static int curls_end;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    struct intake_config config = { .base_url = "http://127.0.0.1:1",
                                    .api_key = "0123456789abcdef0123456789abcdef",
                                    .timeout_ms = 20000 };

    (void)argc, (void)argv;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0 || !intake_open(&intake, &config) ||
        !intake_request_open(&request))
        abort();
    return 0;
}

static curl_socket_t open_socket(void *argument, curlsocktype purpose,
                                 struct curl_sockaddr *address)
{
    (void)argument, (void)purpose, (void)address;
    return curls_end;
}

static int is_connected(void *argument, curl_socket_t fd, curlsocktype purpose)
{
    (void)argument, (void)fd, (void)purpose;
    return CURL_SOCKOPT_ALREADY_CONNECTED;
}

/* All of it waits in the socket before libcurl asks. */
static void put_answer(int fd, const uint8_t *data, size_t size, bool again)
{
    size_t sent = 0;
    ssize_t n = 0;

    do {
        n = size > 0 ? send(fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL) : 0;
        sent += n > 0 ? (size_t)n : 0;
    } while (again && n > 0 && sent < MOST_BYTES);
    shutdown(fd, SHUT_WR);
}

static CURLcode ask(const uint8_t *data, size_t size, uint8_t how)
{
    static struct payload *payload;
    int ends[2], buffer = 4 * MOST_BYTES;

    if (payload == NULL && (payload = calloc(1, sizeof *payload)) == NULL)
        abort();
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        abort();
    setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
    put_answer(ends[1], data, size, how & 2);
    curls_end = ends[0];
    if (how & 1)
        intake_request_prepare_validation(&request, &intake);
    else
        intake_request_prepare(&request, &intake, payload);
    curl_easy_setopt(request.easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(request.easy, CURLOPT_SOCKOPTFUNCTION, is_connected);
    curl_easy_setopt(request.easy, CURLOPT_FORBID_REUSE, 1L);
    CURLcode code = curl_easy_perform(request.easy); /* closes its end */

    close(ends[1]);
    return code;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    CURLcode code = ask(data + 1, size - 1, data[0]);
    int64_t wait_s = intake_request_retry_after(&request, 784111777);

    if (wait_s < 0 || wait_s > INTAKE_RETRY_AFTER_MAX_S ||
        request.body_len >= INTAKE_BODY_KEPT || request.body[request.body_len] != '\0')
        abort();
    if (code == CURLE_OK)
        (void)intake_judge(intake_request_status(&request));
    else if (strlen(intake_request_failure(&request, code)) == 0 ||
             intake_classify(code) >= ERROR_COUNT)
        abort();
    if (request.answer_len > INTAKE_ANSWER_MAX + A_HEADER ||
        (code == CURLE_OK && request.answer_len > INTAKE_ANSWER_MAX))
        abort();
    if (strlen(intake_request_note(&request, &intake)) > INTAKE_NOTE_LEN)
        abort();
    return 0;
}
