#include "config/problems.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void add(struct problems *problems, struct string_list *list, const char *text)
{
    if (list->n == PROBLEMS_MAX)
        problems->n_unlisted++;
    else if (!string_list_add(list, text, strlen(text)))
        problems->out_of_memory = true;
}

/* Sentences quote input in shortened form, so the buffer holds them. */
static void add_formatted(struct problems *problems, struct string_list *list,
                          const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));

static void add_formatted(struct problems *problems, struct string_list *list,
                          const char *format, va_list arguments)
{
    char sentence[2048];

    vsnprintf(sentence, sizeof sentence, format, arguments);
    add(problems, list, sentence);
}

void problems_error(struct problems *problems, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    add_formatted(problems, &problems->errors, format, arguments);
    va_end(arguments);
}

void problems_warn(struct problems *problems, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    add_formatted(problems, &problems->warnings, format, arguments);
    va_end(arguments);
}

void problems_note(struct problems *problems, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    add_formatted(problems, &problems->notes, format, arguments);
    va_end(arguments);
}

void problems_ignore(struct problems *problems, const char *name)
{
    add(problems, &problems->ignored, name);
}

bool problems_none(const struct problems *problems)
{
    return problems->errors.n == 0 && !problems->out_of_memory;
}

void problems_free(struct problems *given)
{
    string_list_free(&given->errors);
    string_list_free(&given->warnings);
    string_list_free(&given->notes);
    string_list_free(&given->ignored);
}
