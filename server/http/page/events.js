/* page/events.js: the last events, and the last status of each service check. */

import { ask, isAbort, pulse, repeat } from "./api.js";
import { make, makeNotice, makeSection, makeTime, setText, foreign } from "./dom.js";
import { many, visible } from "./format.js";
import { makeTable } from "./table.js";

const PERIOD_MS = 5000;
const STATES = [["ok", "OK"], ["warning", "Warning"], ["critical", "Critical"], ["unknown", "Unknown"]];

function tagsText(tags) {
    return visible((tags ?? []).join(", "));
}

/* ---- checks ------------------------------------------------------------ */

function stateIn(check, td) {
    const [kind, word] = STATES[check.status] ?? STATES[3];
    td.replaceChildren(make("span", { class: `check-state ${kind}` }, word));
}

/* The worst first. */
function byWorst(a, b) {
    const rank = [3, 1, 0, 2];
    return (rank[a.status] ?? 2) - (rank[b.status] ?? 2) || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
}

function makeChecks() {
    return makeTable({ caption: "Service checks", columns: [
        { title: "Check", head: true, cell: (one) => visible(one.name) },
        { title: "Status", cell: stateIn },
        { title: "Host", cell: (one) => visible(one.host || "–") },
        { title: "Message", class: "message", cell: (one) => visible(one.message || "–") },
        { title: "Tags", wide: true, cell: (one) => tagsText(one.tags) || "–" },
        { title: "Time", number: true, cell: (one, td) => td.replaceChildren(makeTime(one.time * 1000, true)) },
    ] });
}

/* ---- events ------------------------------------------------------------ */

export function makeEvent(event) {
    const facts = [event.host && `host ${visible(event.host)}`, tagsText(event.tags), event.source && `source ${visible(event.source)}`,
        event.priority === "low" && "low priority"].filter(Boolean).join(" · ");
    return make("li", { class: `event ${STATES_OF_ALERT[event.alert_type] ?? ""}` },
        make("div", { class: "event-head" }, make("strong", null, foreign(event.title)),
            make("span", { class: "muted" }, event.alert_type && `${visible(event.alert_type)}, `, makeTime(event.time * 1000, true))),
        event.text && make("p", { class: "event-text" }, ...textLines(event.text), event.cut && make("span", { class: "muted" }, " … (cut)")),
        facts && make("p", { class: "muted" }, make("bdi", null, facts)));
}

const STATES_OF_ALERT = { error: "error", warning: "warning" };

/* An event may have several lines; every other invisible byte is shown. */
function textLines(text) {
    return text.split("\n").map((line, i) => [i > 0 && make("br"), make("bdi", null, visible(line))]).flat();
}

/* ---- the view ---------------------------------------------------------- */

export function openEvents(place, parameters, signal) {
    const checks = makeChecks();
    const events = make("ul", { class: "events" });
    const noChecks = makeNotice("Asking the server …"), noEvents = makeNotice("Asking the server …");
    let shown = null;

    checks.node.hidden = true;
    place.append(make("h1", null, "Events"), makeSection("Service checks", null, noChecks, checks.node),
        makeSection("Events", null, noEvents, events));

    function show(said) {
        const next = JSON.stringify(said.events);
        checks.update([...said.checks].sort(byWorst));
        checks.node.hidden = said.checks.length === 0;
        noChecks.hidden = said.checks.length > 0;
        setText(noChecks, "No service check has come since the server started.");
        noEvents.hidden = said.events.length > 0;
        setText(noEvents, "No event has come since the server started.");
        if (next === shown) return;
        shown = next;
        events.setAttribute("aria-label", many(said.events.length, "event"));
        events.replaceChildren(...said.events.map(makeEvent));
    }

    async function turn() {
        try {
            show(await ask("/api/v1/events", {}, signal));
        } catch (problem) {
            if (isAbort(problem) || pulse.goneSince !== 0) return;
            for (const notice of [noChecks, noEvents]) {
                notice.hidden = false;
                setText(notice, `No answer: ${problem.message}. It is asked again.`);
            }
        }
    }
    repeat(turn, PERIOD_MS, signal);
    return { title: "Events" };
}
