/* config/options.h: what is known about each option.
 *
 * One static row per line of config/options_table.h. The loader, `heeler help
 * settings`, `heeler check`, docs/settings.md, the manual page and the completions read
 * these rows and nothing else. */
#ifndef CONFIG_OPTIONS_H
#define CONFIG_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum option_type {
    OPTION_BOOL,
    OPTION_INT,
    OPTION_PORT, /* a number or __random__ */
    OPTION_FLOAT,
    OPTION_STRING,
    OPTION_CHOICE, /* one of a few words, kept as the table spells it */
    OPTION_LIST,
    OPTION_JSON_LIST,
    OPTION_JSON_MAP,
};

enum option_group {
    OPTION_OURS,
    OPTION_RECEIVE,
    OPTION_TAGS,
    OPTION_AGGREGATE,
    OPTION_SEND,
    OPTION_TRACES,
    OPTION_LOGS,
    OPTION_CHECKS,
    OPTION_GROUP_COUNT
};

/* What a text has to look like, unless it is empty. */
enum option_form {
    OPTION_FORM_ANY,
    OPTION_FORM_ADDRESS,
    OPTION_FORM_HTTP_ADDRESS, /* or the path of a unix socket */
    OPTION_FORM_OCTAL,
    OPTION_FORM_URL,
    OPTION_FORM_SIZE,
    OPTION_FORM_SYSLOG,
    OPTION_FORM_SHORT,      /* no more than OPTION_SHORT_MAX bytes */
    OPTION_FORM_SECRET_URL, /* any text; shown without what may be secret in a URL */
    OPTION_FORM_HOST,
    OPTION_FORM_SOCKET, /* the path of a unix socket */
};
enum { OPTION_SHORT_MAX = 256 };

/* What becomes of a changed value while the server runs. */
enum option_change {
    OPTION_RESTARTS, /* nothing: the new value is for the next start */
    OPTION_RELOADS,
    OPTION_RENAMES, /* it comes into force, and series may have other names then */
};

enum { OPTION_SOCKET_MAX = 107 }; /* the longest path that fits into a sockaddr_un */

enum { OPTION_NAME_MAX = 96 }; /* room for any key or variable, with its NUL */

struct option {
    const char *key;
    const char *standard; /* the default, written as in a variable */
    const char *sentence;
    const char *choices;        /* the words allowed, or NULL */
    const char *unit;           /* of a number, or NULL */
    const char *other_key;      /* a second spelling, or NULL */
    const char *other_variable; /* counts when the first is not set, or NULL */
    double minimum, maximum;    /* of a number; the maximum may be OPTION_NO_MAXIMUM */
    size_t offset;              /* of the field in struct settings */
    enum option_type type;
    enum option_group group;
    enum option_form form;
    enum option_change change;
    bool secret; /* never printed or quoted whole */
    bool commas; /* separate the items of a list too */
    bool proxy;  /* its variables count also if they are empty, and the second one in lower case
                    too */
};

/* 1 PiB: no real value, and exact as a double. */
#define OPTION_NO_MAXIMUM 1125899906842624.0

/* SETTING_COUNT static rows, in the order of enum setting. */
extern const struct option options[];

/* The option of this key (any case, second spellings too), or NULL. */
const struct option *option_find(const char *key);

/* A key begins with prefix and a dot. */
bool option_is_prefix(const char *prefix);

/* Begins like one of our own keys: then it is a mistake if it is not one. */
bool option_is_ours(const char *key);

/* "DD_A_B" for the key "a.b". */
void option_variable(const char *key, char out[OPTION_NAME_MAX]);

/* The known key that is spelled most like this one, or NULL if none is near. */
const struct option *option_nearest(const char *key);

/* The same, but so near that it is a slip and no other program's key. Dots may be
 * underscores, as in a variable. */
const struct option *option_misspelled(const char *key);

/* "1 to 60 (seconds)", to stand behind "allowed are". */
void option_allowed(const struct option *option, char *out, size_t size);

/* For `heeler help settings`: grouped, ours first; of each its key, default, limits and
 * sentence. With a word only those that have it, in any case, in key, variable or
 * sentence; NULL: all. How many it showed. */
size_t options_help(const char *word, FILE *out);

/* Words for those who print the rows (packaging/tables.c). All static. */
const char *option_group_title(enum option_group group);
const char *option_type_name(enum option_type type);
const char *option_takes(const struct option *option); /* "reload" or "restart" */

#endif
