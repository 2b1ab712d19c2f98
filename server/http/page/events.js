/* page/events.js: the events that are kept, the last ones first, and the last status of each service check. */

import { ask, isAbort, pulse, repeat } from "./api.js";
import { make, makeNotice, makeSection, makeTime, setText, foreign } from "./dom.js";
import { many, visible } from "./format.js";
import { makeTable } from "./table.js";

const PERIOD_MS = 5000, A_PAGE = 100;
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

/* As askEvents() has it. */
export function makeEvent(event) {
    const facts = [event.host && `host ${visible(event.host)}`, tagsText(event.tags), event.source && `source ${visible(event.source)}`,
        event.priority === "low" && "low priority"].filter(Boolean).join(" · ");
    return make("li", { class: `event ${STATES_OF_ALERT[event.alert_type] ?? ""}` },
        make("div", { class: "event-head" }, make("strong", null, foreign(event.title)),
            make("span", { class: "muted" }, event.alert_type && `${visible(event.alert_type)}, `, makeTime(event.date_happened * 1000, true))),
        event.text && make("p", { class: "event-text" }, ...textLines(event.text), event.cut && make("span", { class: "muted" }, " … (cut)")),
        facts && make("p", { class: "muted" }, make("bdi", null, facts)));
}

const STATES_OF_ALERT = { error: "error", warning: "warning" };

/* An event may have several lines; every other invisible byte is shown. */
function textLines(text) {
    return text.split("\n").map((line, i) => [i > 0 && make("br"), make("bdi", null, visible(line))]).flat();
}

/* ---- the view ---------------------------------------------------------- */

/* Those that fit: { events: the last first, message: why these are not all, if so }. */
export function askEvents(parameters, signal) {
    return ask("/api/v1/events", parameters, signal);
}

/* Events of all times, the last ones again and again, and older ones when they are asked for. */
function makeList(signal) {
    const list = make("ul", { class: "events" });
    const notice = makeNotice("Asking the server …");
    const more = make("button", { type: "button", hidden: true }, "Older events");
    let events = [], pages = 1, shown = null;

    const askPage = (page) => askEvents({ start: 0, end: 1e12, limit: A_PAGE, page }, signal);

    function show(next, message, empty) {
        const text = JSON.stringify(next);
        events = next;
        notice.hidden = next.length > 0 && !message;
        setText(notice, message ? visible(`The server says: ${message}.`) : empty);
        if (text === shown) return;
        shown = text;
        list.setAttribute("aria-label", many(next.length, "event"));
        list.replaceChildren(...next.map(makeEvent));
    }

    /* What is shown already stays, once somebody has asked for older ones. */
    async function turn() {
        const said = await askPage(0);
        const ids = new Set(said.events.map(({ id }) => id));
        show(pages === 1 ? said.events : [...said.events, ...events.filter(({ id }) => !ids.has(id))], said.message, "No event has come yet.");
        if (pages === 1) more.hidden = said.events.length < A_PAGE;
    }

    /* New ones move the pages on, so some of this one are shown already. */
    async function showOlder() {
        more.disabled = true;
        try {
            const said = await askPage(pages);
            const ids = new Set(events.map(({ id }) => id));
            pages++;
            show([...events, ...said.events.filter(({ id }) => !ids.has(id))], said.message, "");
            more.hidden = said.events.length < A_PAGE && !said.message;
        } catch (problem) {
            if (!isAbort(problem)) fail(problem);
        }
        more.disabled = false;
    }

    function fail(problem) {
        notice.hidden = false;
        setText(notice, `No answer: ${problem.message}. It is asked again.`);
    }

    more.addEventListener("click", () => void showOlder());
    return { nodes: [notice, list, make("div", { class: "tools" }, more)], turn, fail };
}

function makeChecksView(signal) {
    const checks = makeChecks();
    const notice = makeNotice("Asking the server …");

    checks.node.hidden = true;
    async function turn() {
        const said = await ask("/api/v1/events", {}, signal);
        checks.update([...said.checks].sort(byWorst));
        checks.node.hidden = said.checks.length === 0;
        notice.hidden = said.checks.length > 0;
        setText(notice, "No service check has come since the server started.");
    }

    function fail(problem) {
        notice.hidden = false;
        setText(notice, `No answer: ${problem.message}. It is asked again.`);
    }
    return { nodes: [notice, checks.node], turn, fail };
}

export function openEvents(place, parameters, signal) {
    const checks = makeChecksView(signal), events = makeList(signal);

    place.append(make("h1", null, "Events"), makeSection("Service checks", null, ...checks.nodes),
        makeSection("Events", null, ...events.nodes));

    async function turnOf(part) {
        try {
            await part.turn();
        } catch (problem) {
            if (!isAbort(problem) && pulse.goneSince === 0) part.fail(problem);
        }
    }
    repeat(() => Promise.all([turnOf(checks), turnOf(events)]), PERIOD_MS, signal);
    return { title: "Events" };
}
