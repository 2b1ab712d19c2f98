/* page/monitor.js: one monitor: its groups and their states, what it looks at, its message, who was told, and its JSON.
 *
 *   #/monitor?id=12345&range=4h */

import { ask, isAbort, pulse, repeat, send } from "./api.js";
import { parsed, withoutSaid } from "./editor.js";
import { make, makeNotice, makeSection, makeTime, makeTwice, setText, foreign } from "./dom.js";
import { makeEvaluated } from "./evaluated.js";
import { many, visible } from "./format.js";
import { makeMessage } from "./message.js";
import { STATES, scopeTagsOf } from "./condition.js";
import { makeMonitorForm } from "./monitorform.js";
import { makeMonitorTags, makeStateWord } from "./monitors.js";
import { makeRange } from "./range.js";
import { address, go, remember } from "./router.js";
import { makeTable } from "./table.js";
import { makeToldTable } from "./told.js";

const PERIOD_MS = 10000, GROUPS_MAX = 500;
const UNTIL = [["3600", "for an hour"], ["14400", "for 4 hours"], ["86400", "for a day"], ["604800", "for a week"], ["", "until it is heard again"]];

const pathOf = (id, what = "") => `/api/v1/monitor/${encodeURIComponent(id)}${what}`;

/* ---- groups ------------------------------------------------------------ */

const nameOf = (group) => (group === "*" || group === "total" ? "all of it" : group);

/* Until when somebody muted that group by the monitor itself: seconds, Infinity, or 0: nobody did. */
function silencedUntil(monitor, group, now_s) {
    const tags = [...group.split(","), ...scopeTagsOf(monitor.query)];
    const ends = Object.entries(monitor.options?.silenced ?? {})
        .filter(([scope, until]) => (until === null || until > now_s) && (scope === "*" || scope.split(",").every((tag) => tags.includes(tag.trim()))))
        .map(([, until]) => until ?? Infinity);
    return ends.length > 0 ? Math.max(...ends) : 0;
}

/* The downtimes that hold for that group now. */
function downtimesOf(matches, group) {
    return matches.filter(({ attributes }) => attributes.groups?.includes(group));
}

function mutedIn(td, monitor, matches, group, now_s) {
    const until = silencedUntil(monitor, group, now_s), downtimes = downtimesOf(matches, group), now = `${until} ${downtimes.map(({ id }) => id)}`;
    if (td.shown === now) return;
    td.shown = now;
    const parts = downtimes.map(({ id, attributes }) => make("a", { href: address("downtimes", { id }) }, "downtime of ", foreign(attributes.scope)));
    if (until > 0) parts.unshift(until === Infinity ? "muted" : make("span", null, "muted until ", makeTime(until * 1000, true)));
    td.replaceChildren(...(parts.length > 0 ? parts.flatMap((part, i) => (i > 0 ? [", ", part] : [part])) : ["–"]));
}

const timeIn = (s) => (s ? makeTime(s * 1000, true) : "–");

function makeGroups() {
    const note = make("p", { class: "muted" });
    let monitor = null, matches = [];
    const table = makeTable({ caption: "State by group", className: "tight", columns: [
        { title: "State", class: "short", cell: (one) => makeStateWord(one.status) },
        { title: "Group", head: true, cell: (one) => foreign(nameOf(one.name), "span") },
        { title: "Triggered", cell: (one) => timeIn(one.last_triggered_ts) },
        { title: "Notified", wide: true, cell: (one) => timeIn(one.last_notified_ts) },
        { title: "Muted", cell: (one, td) => mutedIn(td, monitor, matches, one.name, pulse.now_s()) },
    ] });

    function update(next, groups, downtimes) {
        monitor = next;
        matches = downtimes;
        table.update(groups.slice(0, GROUPS_MAX));
        table.node.hidden = groups.length === 0;
        setText(note, groups.length === 0 ? "None of its groups has been evaluated yet: that is done each minute." : groups.length > GROUPS_MAX ? `The first ${GROUPS_MAX} of ${many(groups.length, "group")} are shown.` : "");
    }
    return { node: make("div", { class: "tall" }, table.node, note), update };
}

/* The worst first. */
function groupsOf(monitor) {
    const rank = ({ status }) => STATES.indexOf(status);
    return Object.entries(monitor.state?.groups ?? {}).map(([name, one]) => ({ ...one, name }))
        .sort((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1));
}

/* ---- what is done with it ---------------------------------------------- */

function makeDeeds(id, { onDone, signal }) {
    const scope = make("select", { id: "mute-scope" }), until = make("select", { id: "mute-until" }, UNTIL.map(([value, text]) => make("option", { value }, text)));
    const said = make("p", { role: "status", class: "muted" });
    let scopes = "";

    function makeDeed(text, deed) {
        const button = make("button", { type: "button" }, text);
        button.addEventListener("click", async () => {
            try {
                setText(said, await deed());
                onDone();
            } catch (problem) {
                if (!isAbort(problem)) setText(said, `Not done: ${visible(problem.message)}`);
            }
        });
        return button;
    }

    async function mute() {
        const end = until.value === "" ? undefined : pulse.now_s() + Number(until.value);
        await send("POST", pathOf(id, "/mute"), JSON.stringify({ scope: scope.value === "" ? undefined : scope.value, end }), signal);
        return "It is muted.";
    }

    async function unmute() {
        await send("POST", pathOf(id, "/unmute"), JSON.stringify({ scope: scope.value === "" ? undefined : scope.value, all_scopes: scope.value === "" }), signal);
        return "It is heard again.";
    }

    async function test() {
        await send("POST", pathOf(id, "/test"), "{}", signal);
        return "A test message is on its way to its receivers: what they answer stands below.";
    }

    const ofMonitor = [make("label", { for: "mute-scope" }, "Mute", scope), make("label", { for: "mute-until" }, "How long", until),
        makeDeed("Mute", mute), makeDeed("Unmute", unmute)];

    /* One of a file is muted by a downtime alone. */
    function update(monitor, groups) {
        for (const node of ofMonitor) node.hidden = Boolean(monitor.file);
        const names = groups.map(({ name }) => name).filter((name) => name !== "*").slice(0, GROUPS_MAX).sort(), now = names.join("\n");
        if (now === scopes && scope.options.length > 0) return;
        const chosen = scope.value;
        scopes = now;
        scope.replaceChildren(make("option", { value: "" }, "All of it"), ...names.map((name) => make("option", { value: name }, visible(name))));
        scope.value = names.includes(chosen) ? chosen : "";
    }
    return { update, node: make("div", { class: "tools" }, ...ofMonitor, make("a", { class: "button", href: address("downtimes", { monitor: id }) }, "New downtime"),
        makeDeed("Send a test", test), said) };
}

/* ---- its JSON ---------------------------------------------------------- */

/* What was taken out of the options is said to be gone, for the server keeps what is not said. What is no JSON is sent
 * as it is, for the server says where. */
function changeOf(before, text) {
    const after = parsed(text);
    if (after === null) return text;
    const gone = Object.keys(before.options ?? {}).filter((name) => !Object.hasOwn(after.options ?? {}, name));
    return JSON.stringify({ ...after, options: { ...after.options, ...Object.fromEntries(gone.map((name) => [name, null])) } });
}

function definitionOf(monitor) {
    const own = withoutSaid(monitor), options = Object.entries(own.options ?? {}).filter(([, value]) => value !== null);
    if (own.priority === null) delete own.priority;
    return { ...own, options: Object.fromEntries(options) };
}

function makeDelete(id, say, signal) {
    return makeTwice("Delete this monitor", "Delete it for good", async () => {
        try {
            await send("DELETE", pathOf(id), undefined, signal);
            go("monitors");
        } catch (problem) {
            if (!isAbort(problem)) say(`Not deleted: ${problem.message}`, true);
        }
    });
}

function makeChange(monitor, onSaved, signal) {
    let before = definitionOf(monitor);
    const readOnly = monitor.file ? `The file ${visible(monitor.file)} of heeler_monitors_path holds it: it is changed there, and read at the next reload.` : null;
    const form = makeMonitorForm({ definition: before, readOnly, signal, save: async (text) => {
        before = definitionOf(await send("PUT", pathOf(monitor.id), changeOf(before, text), signal));
        form.show(before);
        onSaved();
        return "Saved.";
    } });
    const node = make("details", { class: "new" }, make("summary", null, readOnly ? "Its definition, and its JSON" : "Change it, and its JSON"), form.node,
        !readOnly && makeDelete(monitor.id, form.say, signal));
    node.addEventListener("toggle", form.look);
    return node;
}

/* ---- the view ---------------------------------------------------------- */

function factsOf(monitor) {
    return [makeStateWord(monitor.overall_state), visible(monitor.type), monitor.priority && `P${monitor.priority}`,
        make("code", null, make("bdi", null, visible(monitor.query))), monitor.file && `From the file ${visible(monitor.file)}`]
        .filter(Boolean).flatMap((part, i) => (i > 0 ? [" · ", part] : [part]));
}

export function openMonitor(place, parameters, signal) {
    const id = parameters.id ?? "";
    const range = makeRange(parameters, () => changed());
    const title = make("h1", null, foreign(id)), facts = make("p"), fault = make("p", { class: "bad-text", hidden: true }), tags = make("div"), notice = makeNotice("Asking the server …"), message = make("div"), below = make("div");
    const groups = makeGroups(), told = makeToldTable(), evaluated = makeEvaluated({ label: "What it looks at", onRange: range.zoom, signal });
    const deeds = makeDeeds(id, { signal, onDone: () => again() });
    const body = make("div", { hidden: true }, facts, fault, tags, deeds.node, makeSection("State by group", null, groups.node),
        makeSection("What it looks at", make("div", { class: "tools" }, range.nodes), evaluated.node), makeSection("Message", null, message),
        makeSection("Notifications", null, told.node), below);
    let request = null, shown = "";

    place.append(make("p", { class: "crumb" }, make("a", { href: "#/monitors" }, "Monitors")), title, notice, body);

    function changed() {
        remember("monitor", { id, ...range.parameters() });
        request?.abort();
        again();
    }

    /* What is of the definition alone is left as it is while that does not change. */
    function showDefinition(monitor) {
        const now = `${monitor.modified} ${monitor.overall_state}`;
        if (now === shown) return;
        shown = now;
        title.replaceChildren(foreign(monitor.name));
        document.title = document.title.replace(/^[^·]*/, () => `${visible(monitor.name)} `);
        facts.replaceChildren(...factsOf(monitor));
        tags.replaceChildren(...(monitor.tags?.length > 0 ? [makeMonitorTags(monitor.tags)] : []));
        message.replaceChildren(makeMessage(monitor));
        if (below.childNodes.length === 0) below.append(makeChange(monitor, () => again(), signal));
    }

    async function turn() {
        request = new AbortController();
        const own = AbortSignal.any([signal, request.signal]);
        try {
            const monitor = await ask(pathOf(id), { group_states: "all" }, own), list = groupsOf(monitor);
            const { data } = await ask(`/api/v2/monitor/${encodeURIComponent(id)}/downtime_matches`, { "page[limit]": 100 }, own);
            notice.hidden = true;
            body.hidden = false;
            showDefinition(monitor);
            fault.hidden = !monitor.problem;
            setText(fault, monitor.problem ? `It could not be evaluated: ${visible(monitor.problem)}` : "");
            groups.update(monitor, list, data);
            deeds.update(monitor, list);
            await Promise.all([evaluated.update(monitor, range.span(), own), told.update(id, own)]);
        } catch (problem) {
            if (isAbort(problem) || pulse.goneSince !== 0) return;
            notice.hidden = false;
            setText(notice, problem.status === 404 ? "There is no monitor of this id." : `No answer: ${visible(problem.message)}. It is asked again.`);
        }
    }

    const again = repeat(turn, PERIOD_MS, signal);
    return { title: "Monitor" };
}
