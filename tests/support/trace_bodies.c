#include "tests/support/trace_bodies.h"

#include <string.h>

#include "tests/support/msgpack_out.h"

const char trace_bodies_say[] =
    " [ ( service=shop name=http.request resource=GET / type=web ids=18446744073709551615/2/0"
    " at=1700000000000000000+1500 error=1 span.kind:server empty: _dd.measured:1 rate:0.25 )"
    " ( service=shop name=pg.query ids=18446744073709551615/3/2 at=1700000000000000100+-7 ) ]"
    " [ ( name=job ids=9/9/0 ) ]";

static const char span_1[] =
    "8c 'service' 'shop' 'name' 'http.request' 'resource' 'GET /' 'trace_id' "
    "cf ff ff ff ff ff ff ff ff 'span_id' 02 'parent_id' 00 'start' d3 17 97 9c fe 36 2a 00 00 "
    "'duration' cd 05 dc 'error' 01 'meta' 82 'span.kind' 'server' 'empty' '' "
    "'metrics' 82 '_dd.measured' 01 'rate' cb 3f d0 00 00 00 00 00 00 'type' 'web' ";

/* Another order, and members that nobody knows amid it. */
static const char span_2[] =
    "8b 'duration' f9 'name' 'pg.query' 'span_links' 91 82 'trace_id' 05 'attributes' 80 "
    "'trace_id' cf ff ff ff ff ff ff ff ff 'meta_struct' 81 '_dd.stack' c4 02 00 ff "
    "'span_events' 91 81 'name' 'x' 'start' cf 17 97 9c fe 36 2a 00 64 'span_id' 03 "
    "'service' 'shop' 'parent_id' 02 'later' d8 05 =0123456789abcdef= ";

static const char span_3[] = "83 'name' 'job' 'trace_id' 09 'span_id' 09 ";

static void put_maps(struct bytes *out)
{
    msgpack_out(out, "92 92");
    msgpack_out(out, span_1);
    msgpack_out(out, span_2);
    msgpack_out(out, "91");
    msgpack_out(out, span_3);
}

static void put_chunks(struct bytes *out)
{
    msgpack_out(out, "82 'tags' 81 'a' 'b' 'chunks' 92 82 'dropped_trace' c2 'spans' 92");
    msgpack_out(out, span_1);
    msgpack_out(out, span_2);
    msgpack_out(out, "81 'spans' 91");
    msgpack_out(out, span_3);
}

static void put_indexed(struct bytes *out)
{
    msgpack_out(out, "92 9c '' 'shop' 'http.request' 'GET /' 'web' 'span.kind' 'server' "
                     "'empty' '_dd.measured' 'rate' 'pg.query' 'job' 92 92");
    msgpack_out(out, "9c 01 02 03 cf ff ff ff ff ff ff ff ff 02 00 "
                     "d3 17 97 9c fe 36 2a 00 00 cd 05 dc 01 82 05 06 07 00 "
                     "82 08 01 09 cb 3f d0 00 00 00 00 00 00 04");
    msgpack_out(out, "9c 01 cc 0a 00 cf ff ff ff ff ff ff ff ff 03 02 "
                     "cf 17 97 9c fe 36 2a 00 64 f9 00 80 80 00");
    msgpack_out(out, "91 9c 00 0b 00 09 09 c0 c0 00 c0 c0 80 d0 00");
}

#define JSON_SPAN_1                                                                           \
    "{\"service\": \"shop\", \"name\":\"http.request\",\"resource\":\"GET \\/\",\"trace_id\"" \
    ":18446744073709551615,\"span_id\":2,\"parent_id\":0,\"start\":1700000000000000000,"      \
    "\"duration\":1500,\"error\":1,\"meta\":{\"span.kind\":\"server\",\"empty\":\"\"},"       \
    "\"metrics\":{\"_dd.measured\":1,\"rate\":0.25},\"type\":\"web\"}"
#define JSON_SPAN_2                                                                      \
    "{\"name\":\"pg.query\",\"service\":\"shop\",\"trace_id\":18446744073709551615,"     \
    "\"span_links\":[{\"a\":[[[[[[1]]]]]]}],\"span_id\":3,\"parent_id\":2,\"resource\":" \
    "null,\"start\":1700000000000000100,\"duration\":-7}"
#define JSON_SPAN_3 "{\"name\":\"\\u006aob\",\"trace_id\":9,\"span_id\":9}"

static const char json_maps[] = " [[" JSON_SPAN_1 "," JSON_SPAN_2 " ], [" JSON_SPAN_3 "] ]";
static const char json_indexed[] =
    "[[\"\",\"shop\",\"http.request\",\"GET /\",\"web\",\"span.kind\",\"server\",\"empty\","
    "\"_dd.measured\",\"rate\",\"pg.query\",\"job\"],"
    "[[[1,2,3,18446744073709551615,2,0,1700000000000000000,1500,1,{\"5\":6,\"7\":0},"
    "{\"8\":1,\"9\":0.25},4],[1,10,0,18446744073709551615,3,2,1700000000000000100,-7,0,{},{},"
    "0]], [[0,11,0,9,9,0,0,0,0,null,null,0]]]]";

static void put_json(struct bytes *out)
{
    bytes_add(out, json_maps, strlen(json_maps));
}

static void put_indexed_json(struct bytes *out)
{
    bytes_add(out, json_indexed, strlen(json_indexed));
}

const struct trace_body trace_bodies[TRACE_BODIES] = {
    { TRACE_V03, TRACE_MSGPACK, put_maps },      { TRACE_V04, TRACE_MSGPACK, put_maps },
    { TRACE_V05, TRACE_MSGPACK, put_indexed },   { TRACE_V07, TRACE_MSGPACK, put_chunks },
    { TRACE_V03, TRACE_JSON, put_json },         { TRACE_V04, TRACE_JSON, put_json },
    { TRACE_V05, TRACE_JSON, put_indexed_json },
};
