/* packaging/icu_data.c: ICU's data, with nothing in it.
 *
 * libical counts days with ICU's calendars, and ICU is linked with 30 MiB of data about other
 * calendars than the Gregorian, languages and scripts. Nothing of that is asked for here
 * (calendar/occur.c refuses other calendars), so what is packed with its libraries has this in
 * its place: the same file, as ICU reads it, with a table of contents that is empty. */
#include <stdalign.h>
#include <stdint.h>

struct contents {
    uint16_t header_size;
    uint8_t magic[2];
    uint16_t info_size, reserved;
    uint8_t is_big_endian, charset, char_size, padding;
    uint8_t format[4], format_version[4], data_version[4];
    uint8_t rest[8]; /* of the header */
    uint32_t n_entries;
};

/* The linker gives it the name that ICU looks for, which says the version. */
extern const struct contents icu_data;

alignas(16) const struct contents icu_data = { .header_size = 32,
                                               .magic = { 0xda, 0x27 },
                                               .info_size = 20,
                                               .char_size = sizeof(uint16_t),
                                               .format = { 'C', 'm', 'n', 'D' },
                                               .format_version = { 1 } };
