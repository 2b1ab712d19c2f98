#include "flush/notify/receivers.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

static const char *const sentences[] = {
#define RECEIVER_SENTENCE(id, word, sentence) [id] = (sentence),
    RECEIVER_REFUSALS(RECEIVER_SENTENCE)
#undef RECEIVER_SENTENCE
};

const char *receiver_refusal_sentence(enum receiver_refusal refusal)
{
    return sentences[refusal];
}

/* Letters, digits and what addresses have beside them; one @, and a point behind it. */
bool receivers_is_address(struct slice text)
{
    struct slice domain = text, local = slice_cut(&domain, '@');

    for (size_t i = 0; i < text.len; i++)
        if (!isalnum((unsigned char)text.at[i]) &&
            !slice_is_one_of(text.at[i], "@.!#$%&'*+/=?^_`{|}~-"))
            return false;
    return local.len > 0 && domain.len > 0 && memchr(domain.at, '@', domain.len) == NULL &&
           domain.at[0] != '.' && domain.at[0] != '-' && text.len <= ADDRESS_MAIL_MAX;
}

static bool is_like(struct slice text, const char *allowed)
{
    return text.len == strlen(allowed) && strncasecmp(text.at, allowed, text.len) == 0;
}

/* An address, or all of a domain: "@example.org". */
static bool may_get_mail(const struct receivers *receivers, struct slice address)
{
    const char *domain = memchr(address.at, '@', address.len);

    for (size_t i = 0; i < receivers->n_mail_to; i++) {
        const char *allowed = receivers->mail_to[i];
        struct slice of = address;

        if (allowed[0] == '@' && domain != NULL)
            of = slice_skip(address, (size_t)(domain - address.at));
        if (is_like(of, allowed))
            return true;
    }
    return false;
}

static const struct webhook *find_webhook(const struct receivers *receivers, struct slice name)
{
    for (size_t i = 0; i < receivers->n_webhooks; i++)
        if (slice_equal(name, slice_of(receivers->webhooks[i].name)))
            return &receivers->webhooks[i];
    return NULL;
}

enum receiver_refusal receivers_find(const struct receivers *receivers, struct slice handle,
                                     bool has_variable, const struct webhook **webhook)
{
    *webhook = NULL;
    if (has_variable)
        return RECEIVER_VARIABLE;
    if (slice_starts(handle, SLICE("webhook-"))) {
        *webhook = find_webhook(receivers, slice_skip(handle, strlen("webhook-")));
        return *webhook != NULL ? RECEIVER_TAKEN : RECEIVER_UNKNOWN;
    }
    if (!receivers_is_address(handle))
        return RECEIVER_MALFORMED;
    if (!receivers->has_mail)
        return RECEIVER_NO_MAIL;
    return may_get_mail(receivers, handle) ? RECEIVER_TAKEN : RECEIVER_NOT_ALLOWED;
}
