#include "server/reload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/log.h"
#include "server/commands/usable.h"

/* ---- intakes ----------------------------------------------------------- */

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* Moves the key of a fresh sink that has the same URL to the sink of now. same_key: only one
 * that has the same key, too. False: there is no such sink left. */
static bool take_key(struct sinks *fresh, const struct delivery_target *now, bool same_key,
                     const char **key)
{
    for (size_t i = 0; i < fresh->n; i++) {
        struct delivery_target *at = &fresh->at[i];

        if (at->api_key == NULL || at->door != now->door ||
            !same_text(at->base_url, now->base_url) ||
            (same_key && strcmp(at->api_key, now->api_key) != 0))
            continue;
        *key = at->api_key;
        at->api_key = NULL;
        return true;
    }
    return false;
}

/* Puts the fresh keys into the order of the sinks of now; false: the intakes are others. Sinks
 * that keep their key are matched first, so that nothing that is queued for one account is
 * sent to another. */
static bool match(struct sinks *out, struct sinks *fresh, const struct sinks *now)
{
    if (fresh->n != now->n)
        return false;
    *out = (struct sinks){ .at = calloc(now->n, sizeof *out->at), .n = now->n };
    if (out->at == NULL)
        return false;
    for (size_t i = 0; i < now->n; i++)
        (void)take_key(fresh, &now->at[i], true, &out->at[i].api_key);
    for (size_t i = 0; i < now->n; i++)
        if (out->at[i].api_key == NULL &&
            !take_key(fresh, &now->at[i], false, &out->at[i].api_key))
            return false;
    for (size_t i = 0; i < now->n; i++) {
        out->at[i].base_url = now->at[i].base_url != NULL ? strdup(now->at[i].base_url) : NULL;
        out->at[i].door = now->at[i].door;
    }
    return true;
}

static bool sinks_like_now(struct sinks *out, const struct settings *settings,
                           const struct sinks *now)
{
    char problem[512];
    struct sinks fresh;

    *out = (struct sinks){ 0 };
    bool same =
        sinks_read(&fresh, settings, problem, sizeof problem) && match(out, &fresh, now);

    sinks_free(&fresh);
    if (!same)
        sinks_free(out);
    return same;
}

static bool keep(struct settings *fresh, const struct reload_base *base, enum setting setting,
                 struct reload *out)
{
    if (!settings_differ(fresh, base->in_force, &options[setting]))
        return true;
    return settings_keep(fresh, base->in_force, &options[setting], &out->change);
}

/* Reads the sinks of the fresh settings. If they ask for other intakes than those of now, the
 * settings of sinks stay as they are. */
static bool read_sinks(struct reload_plan *plan, struct settings *fresh,
                       const struct reload_base *base, struct reload *out)
{
    if (settings_is_local(fresh) == settings_is_local(base->in_force) &&
        sinks_like_now(&plan->sinks, fresh, base->sinks))
        return true;
    if (!keep(fresh, base, SETTING_additional_endpoints, out))
        return false;
    if (settings_is_local(fresh) == settings_is_local(base->in_force) &&
        sinks_like_now(&plan->sinks, fresh, base->sinks))
        return true;
    return keep(fresh, base, SETTING_api_key, out) &&
           sinks_like_now(&plan->sinks, fresh, base->sinks);
}

/* ---- preparing --------------------------------------------------------- */

static bool make_rules(struct reload_plan *plan, struct settings *fresh,
                       const struct reload_base *base, struct reload *out)
{
    char problem[512];

    plan->rules = rules_new(fresh, base->hostname, base->ledger, problem, sizeof problem);
    if (plan->rules == NULL) {
        problems_error(&out->problems, "%s", problem);
        sinks_free(&plan->sinks);
        return false;
    }
    plan->rules->owned = fresh;
    plan->rules->naming = base->naming + out->change.renames;
    return true;
}

/* Makes the fresh settings those of the plan, except for what needs a restart. */
static bool plan_change(struct reload_plan *plan, struct settings *fresh,
                        const struct reload_base *base, struct reload *out)
{
    struct usable usable;

    if (!base->load(base->argument, fresh, &out->problems) ||
        !usable_check(&usable, fresh, &out->problems))
        return false;
    if (!settings_compare(fresh, base->in_force, &out->change) ||
        !read_sinks(plan, fresh, base, out)) {
        out->problems.out_of_memory = true;
        return false;
    }
    return out->change.reloaded.n == 0 || make_rules(plan, fresh, base, out);
}

bool reload_prepare(struct reload_plan *plan, const struct reload_base *base,
                    struct reload *out)
{
    struct settings *fresh = calloc(1, sizeof *fresh);

    *plan = (struct reload_plan){ .rules = NULL };
    out->problems.out_of_memory = fresh == NULL;
    bool planned = fresh != NULL && plan_change(plan, fresh, base, out);

    if (plan->rules == NULL && fresh != NULL) {
        settings_free(fresh);
        free(fresh);
    }
    return planned;
}

/* ---- telling ----------------------------------------------------------- */

static char *joined(const struct string_list *keys)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    if (out == NULL)
        return NULL;
    for (size_t i = 0; i < keys->n; i++)
        fprintf(out, "%s%s", i > 0 ? ", " : "", keys->at[i]);
    fclose(out);
    return text;
}

static void log_done(const struct reload *reload, const char *asker)
{
    char *changed = joined(&reload->change.reloaded);
    char *kept = joined(&reload->change.needs_restart);

    for (size_t i = 0; i < reload->problems.warnings.n; i++)
        log_warn("settings: %s", reload->problems.warnings.at[i]);
    if (changed != NULL && changed[0] != '\0')
        log_info("server: %s: settings loaded anew; in force from the end of this interval: %s",
                 asker, changed);
    else
        log_info("server: %s: settings loaded anew; none to take over has changed", asker);
    if (kept != NULL && kept[0] != '\0')
        log_warn("server: %s: a restart is needed for: %s", asker, kept);
    free(changed);
    free(kept);
}

void reload_log(const struct reload *reload, bool done, const char *asker)
{
    if (done) {
        log_done(reload, asker);
        return;
    }
    for (size_t i = 0; i < reload->problems.errors.n; i++)
        log_error("server: %s: %s", asker, reload->problems.errors.at[i]);
    log_error("server: %s: the settings stay as they were%s", asker,
              reload->problems.out_of_memory ? ": not enough memory" : "");
}

static json_t *list_json(const struct string_list *list)
{
    json_t *array = json_array();

    for (size_t i = 0; i < list->n; i++)
        json_array_append_new(array, json_string(list->at[i]));
    return array;
}

char *reload_json(const struct reload *reload, bool done)
{
    json_t *answer = json_object();

    json_object_set_new(answer, "status", json_string(done ? "ok" : "error"));
    if (done) {
        json_object_set_new(answer, "changed", list_json(&reload->change.reloaded));
        json_object_set_new(answer, "needs_restart", list_json(&reload->change.needs_restart));
        json_object_set_new(answer, "warnings", list_json(&reload->problems.warnings));
    } else {
        json_t *errors = list_json(&reload->problems.errors);

        if (reload->problems.out_of_memory)
            json_array_append_new(errors, json_string("not enough memory"));
        json_object_set_new(answer, "errors", errors);
    }
    char *text = json_dumps(answer, JSON_COMPACT);

    json_decref(answer);
    return text;
}

void reload_free(struct reload *given)
{
    settings_change_free(&given->change);
    problems_free(&given->problems);
}
