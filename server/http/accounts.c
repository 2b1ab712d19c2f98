#include "server/http/accounts.h"

#include <stdio.h>

#include "flush/delivery/mirror_ledger.h"

size_t accounts_count(const struct server_view *view)
{
    return view->n_sinks + (view->mirror != NULL);
}

struct account account_at(const struct server_view *view, size_t i)
{
    if (i == view->n_sinks)
        return (struct account){ "redis", &view->mirror->points };

    struct account account = { "intake", &view->delivery_ledger[i] };

    if (view->sinks != NULL && view->sinks[i].door == DOOR_TRACES)
        return (struct account){ "traces", account.ledger };
    if (i > 0)
        snprintf(account.label, sizeof account.label, "intake%u", (unsigned)(i + 1) % 1000);
    return account;
}
