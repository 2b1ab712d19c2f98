/* page/downtimes.js: when nobody is told: a week of downtimes, the list of them, and a new one.
 *
 *   #/downtimes?week=2026-11-30&zone=Europe/Paris&id=UUID, or &monitor=12345 for a new one */

import { ask, isAbort, pulse, repeat, send } from "./api.js";
import { make, makeNotice, makeTwice, setText, foreign } from "./dom.js";
import { makeDowntimeForm } from "./downtimeform.js";
import { parsed } from "./editor.js";
import { many, visible } from "./format.js";
import { address, remember } from "./router.js";
import { dateText, DAY_S, instantOf, mondayOf, occurrencesOf, scheduleText, wallOf, WEEK_S, zoneOf } from "./schedule.js";
import { makeTable } from "./table.js";
import { makeWeek } from "./week.js";

const PERIOD_MS = 10000, SHOWN_MAX = 1000, ASKED_MAX = 50, OWN_ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "UTC";

const pathOf = (id) => `/api/v2/downtime/${encodeURIComponent(id)}`;
const isOver = ({ attributes }) => ["canceled", "ended"].includes(attributes.status);
const nameOf = ({ attributes }) => visible(attributes.message || attributes.scope);

/* ---- the list ---------------------------------------------------------- */

function monitorsIn({ attributes: { monitor_identifier: one = {} } }, td) {
    const now = JSON.stringify(one);
    if (td.shown === now) return undefined;
    td.shown = now;
    if (one.monitor_id) return make("a", { href: address("monitor", { id: one.monitor_id }) }, `monitor ${one.monitor_id}`);
    const tags = one.monitor_tags ?? ["*"];
    return tags.includes("*") ? "all" : make("ul", { class: "tags" }, tags.map((tag) => make("li", { class: "tag" }, foreign(tag))));
}

function whatIn(one) {
    const { message, scope, file, problem } = one.attributes;
    return make("span", null, foreign(message || scope, "span"), make("small", { class: "muted below" }, message && visible(scope), file && ` From the file ${visible(file)}`),
        problem && make("small", { class: "bad-text below" }, `It mutes nothing: ${visible(problem)}`));
}

function statusIn({ attributes }) {
    return make("span", { class: `state ${attributes.status === "active" ? "warn" : ""}` }, visible(attributes.status));
}

/* Buttons stay while what they are about does. */
function deedsIn(one, td, { onEdit, onCancel }) {
    const now = `${one.id} ${one.attributes.status} ${one.attributes.modified}`;
    if (td.shown === now) return;
    td.shown = now;
    const edit = make("button", { type: "button", "aria-label": `Edit ${nameOf(one)}` }, "Edit");
    edit.addEventListener("click", () => onEdit(one));
    td.replaceChildren(...(isOver(one) || one.attributes.file ? [] : [make("div", { class: "deeds" }, edit,
        makeTwice("Cancel", "Cancel for good", () => onCancel(one), `Cancel ${nameOf(one)}`))]));
}

function makeList(deeds, chosen) {
    return makeTable({ caption: "Downtimes", className: "tight", columns: [
        { title: "Downtime", head: true, cell: (one, td) => {
            td.parentNode.classList.toggle("chosen", one.id === chosen);
            return whatIn(one);
        } },
        { title: "Monitors", wide: true, cell: monitorsIn },
        { title: "When", cell: (one) => visible(scheduleText(one.attributes)) },
        { title: "State", wide: true, cell: statusIn },
        { title: "Change", cell: (one, td) => deedsIn(one, td, deeds) },
    ] });
}

/* ---- the week ---------------------------------------------------------- */

/* Those that have occurrences say them in their zone; most of them have the same. */
function usualZone(downtimes) {
    const n = new Map();
    for (const { attributes } of downtimes) if (attributes.schedule?.recurrences) n.set(zoneOf(attributes), (n.get(zoneOf(attributes)) ?? 0) + 1);
    return [...n].sort((a, b) => b[1] - a[1])[0]?.[0] ?? OWN_ZONE;
}

function blocksOf(downtimes, from_s, to_s, parameters, knownOf) {
    return downtimes.flatMap((one) => occurrencesOf(one.attributes, from_s, to_s, knownOf(one, from_s)).all.map((occurrence) => ({ ...occurrence, label: nameOf(one),
        href: address("downtimes", { ...parameters, id: one.id }), tone: one.id === parameters.id ? "chosen" : "" })));
}

/* What the server says of rules that are not worked out here, each week of each once. */
function makeKnown(signal) {
    const said = new Map(), keyOf = ({ id, attributes }, from_s) => `${id} ${attributes.modified} ${from_s}`;
    const of = (one, from_s) => said.get(keyOf(one, from_s)) ?? null;

    /* Why one of them is not known; empty: all are. The others are asked about all the same. */
    async function learn(downtimes, from_s, to_s) {
        let why = "";
        for (const one of downtimes.slice(0, ASKED_MAX)) {
            if (of(one, from_s)) continue;
            try {
                said.set(keyOf(one, from_s), await ask(`${pathOf(one.id)}/occurrences`, { from: from_s, to: to_s }, signal));
            } catch (problem) {
                if (isAbort(problem)) throw problem;
                why = problem.message;
            }
        }
        return why;
    }

    return { of, learn };
}

/* ---- the view ---------------------------------------------------------- */

export function openDowntimes(place, parameters, signal) {
    let zone = parameters.zone ?? null, monday_s = parameters.week ? mondayOf(Date.parse(`${parameters.week}T00:00:00Z`) / 1000) : NaN, all = [], partly = [], shown = {}, why = "";
    const week = makeWeek(), notice = makeNotice("Asking the server …"), said = make("p", { class: "muted", role: "status" }), head = make("h2");
    const zones = make("select", { id: "week-zone" }), past = make("input", { type: "checkbox" });
    const table = makeList({ onEdit: edit, onCancel: cancel }, parameters.id), known = makeKnown(signal);
    const form = makeDowntimeForm({ zone: OWN_ZONE, monitor: parameters.monitor, save });
    const summary = make("summary", null, "New downtime"), making = make("details", { class: "new", open: Boolean(parameters.monitor) }, summary, form.node);
    const step = (text, move) => {
        const button = make("button", { type: "button" }, text);
        button.addEventListener("click", () => {
            move();
            changed();
        });
        return button;
    };

    table.node.hidden = true;
    place.append(make("p", { class: "crumb" }, make("a", { href: "#/monitors" }, "Monitors")), make("h1", null, "Downtimes"),
        make("div", { class: "tools" }, head, step("Week before", () => { monday_s -= WEEK_S; }), step("This week", () => { monday_s = NaN; }), step("Week after", () => { monday_s += WEEK_S; }),
            make("label", { for: "week-zone" }, "In the zone", zones), make("label", { class: "check" }, past, "Those that are over, too")),
        week.node, said, make("div", { class: "listing" }, notice, table.node), making);

    const parametersNow = () => ({ week: dateText(monday_s), zone: zone ?? "", id: parameters.id, monitor: parameters.monitor });

    function changed() {
        draw();
        learn();
        remember("downtimes", parametersNow());
    }

    function showZones(usual) {
        const names = [...new Set([usual, ...all.map(({ attributes }) => zoneOf(attributes)), OWN_ZONE, "UTC"])];
        if (zones.options.length !== names.length || names.some((name, i) => zones.options[i].value !== name))
            zones.replaceChildren(...names.map((name) => make("option", { value: name }, visible(name))));
        zones.value = names.includes(zone) ? zone : usual;
    }

    function draw() {
        const seen = past.checked ? all : all.filter((one) => !isOver(one));
        showZones(usualZone(seen));
        const now_s = pulse.now_s();
        if (Number.isNaN(monday_s)) monday_s = mondayOf(wallOf(zones.value, now_s));
        const [from_s, to_s] = [monday_s, monday_s + WEEK_S].map((wall_s) => instantOf(zones.value, wall_s));
        partly = seen.filter((one) => !isOver(one) && !occurrencesOf(one.attributes, from_s, to_s, known.of(one, from_s)).isWhole);
        shown = { from_s, to_s };
        setText(head, `${dateText(monday_s)} to ${dateText(monday_s + 6 * DAY_S)}`);
        week.update({ monday_s, zone: zones.value, now_s, blocks: blocksOf(seen.filter((one) => !isOver(one)), from_s, to_s, parametersNow(), known.of) });
        setText(said, partly.length > 0 ? `Of ${many(partly.length, "downtime")} only a part is drawn: ${partly.map(nameOf).slice(0, 3).join(", ")}. ${why}` : "");
        table.update(seen);
        table.node.hidden = seen.length === 0;
        notice.hidden = seen.length > 0;
        setText(notice, "There is none. Scripts make them by POST to /api/v2/downtime or /api/v1/downtime.");
    }

    /* Without an answer the next occurrence is drawn, and that is said. */
    async function learn() {
        const { from_s, to_s } = shown;
        if (partly.length === 0) return;
        try {
            const problem = await known.learn(partly, from_s, to_s);
            why = problem === "" ? "" : `The server says: ${visible(problem)}`;
        } catch {
            return; /* the view is left */
        }
        if (shown.from_s === from_s) draw();
    }

    async function save(text) {
        const id = parsed(text)?.data?.id;
        await (id ? send("PATCH", pathOf(id), text, signal) : send("POST", "/api/v2/downtime", text, signal));
        again();
        return "Saved.";
    }

    function edit(one) {
        form.show(one);
        setText(summary, `Change ${nameOf(one)}`);
        making.open = true;
        making.scrollIntoView();
    }

    async function cancel({ id }) {
        try {
            await send("DELETE", pathOf(id), undefined, signal);
            again();
        } catch (problem) {
            if (!isAbort(problem)) setText(said, `Not canceled: ${visible(problem.message)}`);
        }
    }

    async function turn() {
        try {
            all = (await ask("/api/v2/downtime", { "page[limit]": SHOWN_MAX }, signal)).data;
            draw();
            learn();
        } catch (problem) {
            if (isAbort(problem) || pulse.goneSince !== 0) return;
            notice.hidden = false;
            setText(notice, `No answer: ${visible(problem.message)}. It is asked again.`);
        }
    }

    zones.addEventListener("change", () => {
        zone = zones.value;
        changed();
    });
    past.addEventListener("change", draw);
    const again = repeat(turn, PERIOD_MS, signal);
    return { title: "Downtimes" };
}
