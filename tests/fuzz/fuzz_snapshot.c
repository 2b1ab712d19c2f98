/* What is asked of /api/v1/graph/snapshot as any bytes: the first chooses GET or POST. What is
 * understood becomes the definition of a picture and the echo in the answer, both of them JSON;
 * what is not has a sentence. */
#include <stdlib.h>

#include "flush/memory/json_out.h"
#include "server/http/snapshot_request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
    if (!holds)
        abort();
}

static void check_json(const struct bytes *text)
{
    json_t *json = json_loadb((const char *)text->at, text->len, JSON_DECODE_INT_AS_REAL, NULL);

    check(json_is_object(json));
    json_decref(json);
}

static void check_understood(struct snapshot_request *request)
{
    struct picture *picture = &request->picture;
    struct bytes definition = { 0 };
    struct json_out echo = { 0 };

    check(picture->n_requests >= 1 && picture->n_requests <= PICTURE_REQUESTS_MAX);
    check(picture->from_s >= 0 && picture->from_s < picture->to_s);
    for (size_t i = 0; i < picture->n_requests; i++) {
        check(request->queries[i] != NULL);
        picture->requests[i].answer = SLICE("{\"series\":[]}");
    }
    check(picture_write(picture, &definition) == PICTURE_WRITTEN);
    check_json(&definition);
    bytes_free(&definition);
    json_out_begin(&echo, NULL, '{');
    snapshot_request_echo(request, &echo);
    json_out_end(&echo, '}');
    check_json(&echo.bytes);
    bytes_free(&echo.bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http_request request = { .method = HTTP_GET };
    struct snapshot_request snapshot;
    char problem[SNAPSHOT_PROBLEM_SIZE] = "";

    if (size == 0 || size > HTTP_BODY_MAX)
        return 0;
    struct slice rest = { (const char *)data + 1, size - 1 };
    if (data[0] == 'P') {
        request.method = HTTP_POST;
        request.body = rest;
    } else {
        request.query = rest;
    }
    if (snapshot_request_read(&snapshot, &request, problem))
        check_understood(&snapshot);
    else
        check(problem[0] != '\0');
    snapshot_request_free(&snapshot);
    return 0;
}
