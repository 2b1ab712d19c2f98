/* page/hostmap.js: the hosts as boxes, in groups by a tag, coloured by what a metric was last.
 *
 *   #/hostmap?metric=system.load&by=env&q=web
 *
 * What a host is called and tagged is asked of /api/v1/hosts, what it is worth by a question. A
 * host whose series of the metric differ in the tag is in each of those groups. Who has no value
 * is grey, in the group that the tags of the host say. */

import { canBeAsked, questionFor } from "./answer.js";
import { ask, isAbort, pulse, repeat } from "./api.js";
import { make, makeNotice, setText, foreign } from "./dom.js";
import { count, many, visible } from "./format.js";
import { tagsOf } from "./hosts.js";
import { address, remember } from "./router.js";
import { makeUnit, PLAIN, unitOf } from "./unit.js";

const HOSTS_A_REQUEST = 1000, HOSTS_MAX = 2000, LARGE_MAX = 60, HEATS = 6, TYPING_MS = 300, OFFERED_MAX = 20, LOOKED_AT_S = 300;
const NO_GROUP = "";

/* ---- what is asked ----------------------------------------------------- */

async function fetchHosts(match, signal) {
    const hosts = [];
    let total = 0;
    do {
        const list = await ask("/api/v1/hosts", { filter: match, count: HOSTS_A_REQUEST, start: hosts.length }, signal);
        hosts.push(...list.host_list);
        total = list.total_matching;
        if (list.host_list.length === 0) break;
    } while (hosts.length < Math.min(total, HOSTS_MAX));
    return { hosts, total };
}

/* The last value of each host and, with a key that can be asked for, of each of its groups:
 * host → [[group, value]]. */
async function fetchValues(metric, type, key, signal) {
    const end_s = pulse.now_s(), isAsked = key !== "host" && canBeAsked(key);
    const answer = await ask("/api/v1/query", { from: end_s - LOOKED_AT_S, to: end_s,
        query: questionFor(metric, type, isAsked ? `host,${key}` : "host") }, signal);
    const values = new Map();
    for (const one of answer.series) {
        const value = one.pointlist.findLast(([, v]) => v != null)?.[1];
        const host = partOf(one, "host");
        if (value === undefined || host === undefined) continue;
        values.set(host, [...(values.get(host) ?? []), [partOf(one, key), value]]);
    }
    return { values, unit: answer.series.length > 0 ? unitOf(answer.series) : PLAIN };
}

/* What a group has for a key; nothing where its series lack it (N/A), or it was not asked for. */
function partOf(one, key) {
    const tag = (one.tag_set ?? []).find((text) => text.startsWith(`${key}:`));
    return tag === undefined || tag === `${key}:N/A` ? undefined : tag.slice(key.length + 1);
}

/* ---- boxes ------------------------------------------------------------- */

function groupsByTags(host, key) {
    const own = key ? tagsOf(host).filter((tag) => tag.startsWith(`${key}:`)).map((tag) => tag.slice(key.length + 1)) : [];
    return own.length > 0 ? own : [NO_GROUP];
}

/* [[group, [{ host, value }]]], those without a group last. */
export function groupsOf(hosts, values, key) {
    const groups = new Map();
    for (const host of hosts)
        for (const [known, value] of values.get(host.name) ?? [[undefined, null]])
            for (const group of known === undefined ? groupsByTags(host, key) : [known]) {
                if (!groups.has(group)) groups.set(group, []);
                groups.get(group).push({ host: host.name, value });
            }
    return [...groups].sort(([a], [b]) => (a === NO_GROUP) - (b === NO_GROUP) || (a < b ? -1 : a > b ? 1 : 0));
}

function spanOf(groups) {
    const known = groups.flatMap(([, boxes]) => boxes.map(({ value }) => value)).filter((v) => v != null);
    if (known.length === 0) return null;
    return { least: known.reduce((a, b) => Math.min(a, b)), most: known.reduce((a, b) => Math.max(a, b)) };
}

function heatOf(value, { least, most }) {
    if (most === least) return 2;
    return Math.min(HEATS - 1, Math.floor(((value - least) / (most - least)) * HEATS));
}

function makeLegend() {
    const least = make("span"), most = make("span");
    const node = make("p", { class: "legend muted", hidden: true }, least,
        make("span", { class: "heats", "aria-hidden": "true" }, Array.from({ length: HEATS }, (_, i) => make("span", { class: `heat-${i}` }))), most,
        make("span", { class: "entry" }, make("span", { class: "box none", "aria-hidden": "true" }), "no value"));
    return { node, update(span, unit) {
        node.hidden = span === null;
        if (span === null) return;
        setText(least, unit.text(span.least));
        setText(most, unit.text(span.most));
    } };
}

/* The boxes stay the same elements, so that focus stays where it is. */
function makeMap() {
    const node = make("div", { class: "map" });
    let kept = new Map(), shape = "";

    function boxOf(group, { host, value }, span, unit, next) {
        const id = JSON.stringify([group, host]), words = value == null ? "no value" : unit.text(value);
        const box = kept.get(id) ?? make("a", { href: address("host", { name: host }) }, foreign(host), make("b"));
        next.set(id, box);
        box.className = `box ${value == null ? "none" : `heat-${heatOf(value, span)}`}`;
        box.title = `${visible(host)}: ${words}`;
        setText(box.lastChild, value == null ? "–" : words);
        return box;
    }

    function makeGroup(key, group, boxes) {
        const title = group !== NO_GROUP ? `${key}:${group}` : key ? `without ${key}` : "All hosts";
        return make("section", { class: "map-group" }, make("h2", null, foreign(title), make("span", { class: "muted" }, ` ${many(boxes.length, "host")}`)),
            make("div", { class: "boxes" }, boxes));
    }

    function update(groups, key, span, unit) {
        const next = new Map(), n = groups.reduce((sum, [, boxes]) => sum + boxes.length, 0);
        const made = groups.map(([group, boxes]) => [group, boxes.map((one) => boxOf(group, one, span, unit, next))]);
        const now = JSON.stringify([key, [...next.keys()]]);
        kept = next;
        node.className = `map ${n > LARGE_MAX ? "small" : "large"}`;
        if (now !== shape) node.replaceChildren(...made.map(([group, boxes]) => makeGroup(key, group, boxes)));
        shape = now;
    }
    return { node, update };
}

/* ---- what is chosen ---------------------------------------------------- */

function makeField(id, label, input) {
    return make("div", { class: "grow" }, make("label", { for: id }, label), input);
}

function makeInput(id, value, attributes) {
    return make("input", { type: "text", id, value, autocomplete: "off", autocapitalize: "off", spellcheck: "false", ...attributes });
}

async function offerNames(list, match, signal) {
    const said = await ask("/api/v1/catalogue", { match, sort: match === "" ? "values" : "name", limit: OFFERED_MAX }, signal);
    list.replaceChildren(...said.metrics.filter(({ name }) => canBeAsked(name)).map(({ name }) => make("option", { value: name })));
}

/* What is looked at where nobody chose: a gauge, and of those the one with the most values. */
async function usualMetric(signal) {
    const said = await ask("/api/v1/catalogue", { sort: "values", limit: 50 }, signal);
    const askable = said.metrics.filter(({ name }) => canBeAsked(name));
    return (askable.find(({ type }) => type === "gauge") ?? askable[0])?.name ?? "";
}

/* ---- the view ---------------------------------------------------------- */

export function openHostmap(place, parameters, signal) {
    const names = make("datalist", { id: "names" });
    const metric = makeInput("map-metric", parameters.metric ?? "", { list: "names", placeholder: "a metric" });
    const by = makeInput("map-by", parameters.by ?? "", { list: "keys", placeholder: "no group, or a tag key: env" });
    const keys = make("datalist", { id: "keys" });
    const search = makeInput("map-search", parameters.q ?? "", { type: "search", placeholder: "all, or part of a name or tag" });
    const said = make("p", { class: "muted", role: "status" });
    const notice = makeNotice("Asking the server …");
    const legend = makeLegend(), map = makeMap();
    let typing = 0, request = null, known = { name: null, type: "", unit: "", per: "" };

    place.append(make("div", { class: "head" }, make("h1", null, "Map of hosts"), make("a", { class: "button", href: address("hosts") }, "List")),
        make("div", { class: "tools" }, makeField("map-metric", "Colour", metric), makeField("map-by", "Group by", by), makeField("map-search", "Hosts", search)),
        names, keys, make("div", { class: "head" }, said, legend.node), notice, map.node);

    function chosen() {
        return { metric: metric.value.trim(), by: by.value.trim(), q: search.value.trim() };
    }

    function changed() {
        remember("hostmap", chosen());
        request?.abort();
        again();
    }

    /* The type and the tag keys of the metric; one that is not known has no values. */
    async function learn(name, until) {
        if (known.name === name) return;
        const facts = await ask("/api/v1/catalogue/metric", { name, limit: 1 }, until).catch((problem) => {
            if (problem.status !== 404) throw problem;
            return null;
        });
        known = { name: facts ? name : null, type: facts?.type ?? "", unit: facts?.unit ?? "", per: facts?.per_unit ?? "" };
        keys.replaceChildren(...(facts?.keys ?? []).filter(({ key }) => key !== "" && key !== "host" && canBeAsked(key)).map(({ key }) => make("option", { value: key })));
    }

    async function valuesOf(wanted, until) {
        if (wanted.metric === "" || !canBeAsked(wanted.metric)) return { values: new Map(), unit: PLAIN };
        await learn(wanted.metric, until);
        if (known.name === null) return { values: new Map(), unit: PLAIN };
        const found = await fetchValues(wanted.metric, known.type, wanted.by, until);
        return { ...found, unit: found.unit === PLAIN ? makeUnit(known.unit, known.per) : found.unit };
    }

    function show({ hosts, total }, { values, unit }, wanted) {
        const groups = groupsOf(hosts, values, wanted.by), span = spanOf(groups);
        const words = [total > hosts.length ? `${count(hosts.length)} of ${many(total, "host")} are shown` : many(total, "host")];
        if (wanted.metric !== "" && span === null && hosts.length > 0) words.push(`none has a value of ${visible(wanted.metric)} in the last five minutes`);
        setText(said, words.join("; "));
        notice.hidden = hosts.length > 0;
        setText(notice, wanted.q === "" ? "No series has a host yet." : `No host has a name or a tag with ${visible(wanted.q)} in it.`);
        legend.update(span, unit);
        map.update(groups, wanted.by, span, unit);
    }

    async function turn() {
        request = new AbortController();
        const until = AbortSignal.any([signal, request.signal]);
        try {
            if (metric.value.trim() === "" && document.activeElement !== metric) metric.value = await usualMetric(until);
            const wanted = chosen();
            const found = await fetchHosts(wanted.q, until);
            show(found, await valuesOf(wanted, until), wanted);
        } catch (problem) {
            if (isAbort(problem) || pulse.goneSince !== 0) return;
            notice.hidden = false;
            setText(notice, `No answer: ${visible(problem.message)}. It is asked again.`);
        }
    }

    const again = repeat(turn, () => Math.max(5, pulse.status?.interval_s ?? 5) * 1000, signal);

    metric.addEventListener("input", () => offerNames(names, metric.value.trim(), signal).catch(() => {}), { signal });
    metric.addEventListener("focus", () => offerNames(names, "", signal).catch(() => {}), { signal });
    for (const input of [metric, by, search])
        input.addEventListener("input", () => {
            clearTimeout(typing);
            typing = setTimeout(() => {
                if (!signal.aborted) changed();
            }, TYPING_MS);
        }, { signal });
    return { title: "Map of hosts" };
}
