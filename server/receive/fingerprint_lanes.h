/* server/receive/fingerprint_lanes.h: the hash of pieces of one width, as fingerprint.h
 * describes it; included once for each width.
 *
 *   LANE_PATH      the word of the code path
 *   LANE_BYTES     the width
 *
 * Whoever includes it has, each with the word of the path behind its name:
 *
 *   FOR                      what tells the compiler which instructions there are
 *   lane                     the type of a piece
 *   load(at)                 a whole piece
 *   load_short(bytes)        one byte at least, a whole piece at most; zeros behind them
 *   begin(lengths)           the sum without a piece: the lengths, in high
 *   zero()                   nothing
 *   rounds(sum, piece, keys) four rounds of the piece, added (xor) to the sum, which the last
 * of them does for nothing; the keys are four rows of the width sum(lane)                the
 * sum of its parts of 16 bytes */

#define LANE_PASTE(name, path)  name##_##path
#define LANE_EXPAND(name, path) LANE_PASTE(name, path)
#define OF(name)                LANE_EXPAND(name, LANE_PATH)
#define FOR_PATH                OF(FOR)
#define LANE                    OF(lane)

_Static_assert(FINGERPRINT_NAME >= 4 * LANE_BYTES, "four pieces have places of their own");

/* One more piece at that place. */
FOR_PATH static inline LANE OF(add_piece)(LANE sum, const char *at, const uint8_t *keys,
                                          size_t place)
{
    return OF(rounds)(sum, OF(load)(at), keys + place * 4 * LANE_BYTES);
}

FOR_PATH static inline LANE OF(add_pieces)(LANE sum, const char *at, const uint8_t *keys,
                                           size_t n)
{
    for (size_t place = 0; place < n; place++)
        sum = OF(add_piece)(sum, at + place * LANE_BYTES, keys, place);
    return sum;
}

/* None, or more than four pieces have. */
FOR_PATH static LANE OF(add_many)(LANE sum, struct slice bytes, const uint8_t *keys,
                                  size_t places)
{
    const char *at = bytes.at, *last = bytes.at + bytes.len - LANE_BYTES;

    if (bytes.len == 0)
        return sum;
    size_t before_last = (bytes.len - 1) / LANE_BYTES;
    for (; before_last >= places; before_last -= places, at += places * LANE_BYTES)
        sum = OF(rounds)(OF(zero)(), OF(add_pieces)(sum, at, keys, places),
                         fingerprint_secret.turn);
    sum = OF(add_pieces)(sum, at, keys, before_last);
    return OF(add_piece)(sum, last, keys, before_last);
}

/* Inlined always: the call would be one for each text of a line. */
__attribute__((always_inline)) FOR_PATH static inline LANE OF(add_bytes)(LANE sum,
                                                                         struct slice bytes,
                                                                         const uint8_t *keys,
                                                                         size_t places)
{
    const char *end = bytes.at + bytes.len;

    if (__builtin_expect(bytes.len - 1 < LANE_BYTES, 1))
        return OF(rounds)(sum, OF(load_short)(bytes), keys);
    if (__builtin_expect(bytes.len - 1 >= 4 * LANE_BYTES, 0))
        return OF(add_many)(sum, bytes, keys, places);
    sum = OF(add_piece)(sum, bytes.at, keys, 0);
    sum = OF(add_piece)(sum, end - LANE_BYTES, keys, 1);
    if (bytes.len <= 2 * LANE_BYTES)
        return sum;
    sum = OF(add_piece)(sum, bytes.at + LANE_BYTES, keys, 2);
    return OF(add_piece)(sum, end - 2 * LANE_BYTES, keys, 3);
}

FOR_PATH static inline struct fingerprint OF(hash)(struct slice name, struct slice tags,
                                                   unsigned kind)
{
    const struct fingerprint_secret *secret = &fingerprint_secret;
    LANE sum = OF(begin)((uint64_t)name.len << 34 ^ (uint64_t)tags.len << 4 ^ kind);

    sum = OF(add_bytes)(sum, name, secret->name, FINGERPRINT_NAME / LANE_BYTES);
    if (tags.len > 0)
        sum = OF(add_bytes)(sum, tags, secret->tags, FINGERPRINT_TAGS / LANE_BYTES);
    return OF(sum)(sum);
}

#undef LANE
#undef FOR_PATH
#undef OF
#undef LANE_EXPAND
#undef LANE_PASTE
#undef LANE_PATH
#undef LANE_BYTES
