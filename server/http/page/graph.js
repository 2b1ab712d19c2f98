/* page/graph.js: a timeseries of a dashboard: its requests as one chart, with lines across and events.
 *
 * Areas stand on areas and bars on bars, whatever request they are of. */

import { readAnswer } from "./answer.js";
import { axisOf, markersOf, objectsOf, requestsOf, textOf } from "./board.js";
import { makeChart } from "./chart.js";
import { make, makeNotice, foreign } from "./dom.js";
import { clock, many, visible } from "./format.js";

const RANK = { bars: 0, area: 1 }, EVENTS_SAID = 3, EVENTS_DRAWN = 200;

/* What each draws from is the sum of its own and of those behind it. */
function stack(series, kind) {
    const rows = series.filter((one) => one.kind === kind);
    const sums = [];
    for (const one of rows.length > 1 ? rows.toReversed() : [])
        one.drawn = one.values.map((v, i) => {
            if (v != null) sums[i] = (sums[i] ?? 0) + v;
            return sums[i] ?? v;
        });
}

/* The series of all answers, each with a name that tells it from the others. */
function joined(answers, requests) {
    const isOnly = requests.length === 1;
    return answers.flatMap(({ answer, request }) => answer.series.map((one) => {
        const tags = (one.tag_set ?? []).join(", ") || (one.scope === "*" ? "" : one.scope ?? "");
        const label = request.alias ? [request.alias, tags].filter(Boolean).join(", ")
            : isOnly ? undefined : one.expression ?? one.metric;
        return { ...one, label, shape: request.shape };
    }));
}

/* What they add up to is drawn first, and lines last. */
function drawable(answers, requests, span) {
    const read = readAnswer({ series: joined(answers, requests) }, [span.from_s, span.to_s]);
    read.series.sort((a, b) => (RANK[a.kind] ?? 2) - (RANK[b.kind] ?? 2));
    for (const kind of Object.keys(RANK)) stack(read.series, kind);
    return read;
}

/* The events that the definition wants to see over it, by what it says of them. */
async function eventsOf(definition, turn) {
    const searches = objectsOf(definition.events).map(({ q, tags_execution }) => textOf(q) || textOf(tags_execution));
    const found = await Promise.all(searches.map((search) => turn.events(search, EVENTS_DRAWN)));
    const events = new Map(found.flatMap((one) => one.events).map((event) => [event.id, event]));
    return [...events.values()].sort((a, b) => b.date_happened - a.date_happened);
}

function eventLine(events) {
    if (events.length === 0) return null;
    const said = events.slice(0, EVENTS_SAID).map((event, i) => [i > 0 && "; ", `${clock(event.date_happened * 1000)} `, foreign(event.title)]);
    return make("p", { class: "muted" }, `${many(events.length, "event")}: `, said, events.length > EVENTS_SAID && "; …");
}

/* The answers that came, and what was wrong with the others. Throws when the server is not there, so that
 * what is shown stays. */
export async function askAll(requests, turn) {
    const settled = await Promise.allSettled(requests.map((request) => (request.trouble ? Promise.reject(new Error(request.trouble)) : turn.ask(request.question))));
    turn.signal.throwIfAborted();
    const gone = settled.find(({ reason }) => reason?.status === 0);
    if (gone) throw gone.reason;
    const answers = settled.flatMap(({ value }, i) => (value ? [{ answer: value, request: requests[i] }] : []));
    const troubles = settled.flatMap(({ reason }, i) => (!reason ? [] : reason.status === 400 ? [`${requests[i].question}: ${reason.message}`] : [reason.message]));
    return { answers, troubles: [...new Set(troubles)] };
}

export function makeTroubles() {
    const node = make("div", { class: "troubles" });
    return { node, show(troubles, notes = []) {
        node.replaceChildren(...troubles.map((text) => make("p", { class: "bad-text" }, visible(text))),
            ...notes.filter(Boolean).map((text) => make("p", { class: "muted" }, visible(text))));
    } };
}

export function makeGraph(definition, { variables, label, onRange, signal }) {
    const requests = requestsOf(definition, variables);
    const chart = makeChart({ label, height: 200, onRange, signal });
    const notice = makeNotice("Asking the server …");
    const troubles = makeTroubles();
    const below = make("div", { class: "beneath" });
    const { limits, troubles: ofAxis } = axisOf(definition);
    const markers = markersOf(definition);

    chart.node.hidden = true;

    async function update(turn) {
        const [{ answers, troubles: wrong }, events] = await Promise.all([askAll(requests, turn), eventsOf(definition, turn).catch(() => [])]);
        const read = drawable(answers, requests, turn.span);
        const isEmpty = read.groups.length === 0;
        chart.node.hidden = isEmpty;
        notice.hidden = !isEmpty || wrong.length > 0;
        notice.textContent = requests.length === 0 ? "There is no request in it." : "No series fits in this range.";
        const left = read.drawn < read.groups.length ? `${read.drawn} of ${many(read.groups.length, "series", "series")} are drawn, those with the largest means.` : "";
        troubles.show(wrong, [...new Set(answers.map(({ answer }) => answer.message)), left, ...ofAxis]);
        below.replaceChildren(...[eventLine(events)].filter(Boolean));
        if (!isEmpty) chart.update({ ...read, limits, markers, marks: events.map((event) => ({ s: event.date_happened, tone: { error: "bad", warning: "warn" }[event.alert_type] })) });
    }
    return { node: make("div", null, chart.node, notice, below, troubles.node), update };
}
