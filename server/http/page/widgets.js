/* page/widgets.js: the widgets of a dashboard, each in its panel, and where they stand.
 *
 *   makeWidgets(widgets, context) -> { node, all: [{ update(turn) }] }
 *
 * context: { variables, onRange, signal }. turn: what is asked at one time (page/dashboard.js). A widget
 * of a type that is not drawn here says so. */

import { COLUMNS, fillIn, liveSpanOf, objectsOf, placed, requestsOf, textOf } from "./board.js";
import { make, makeNotice, foreign } from "./dom.js";
import { makeEvent } from "./events.js";
import { visible } from "./format.js";
import { makeGraph } from "./graph.js";
import { makeNoteText } from "./note.js";
import { makeGroupTable, makeToplist, makeValue } from "./numbers.js";

const EVENTS_SHOWN = 20;

function makeNote(definition) {
    return { node: makeNoteText(textOf(definition.content) || textOf(definition.text) || textOf(definition.html)) };
}

function makeStream(definition, { variables, label }) {
    const search = fillIn(textOf(definition.query), variables);
    const list = make("ul", { class: "events", "aria-label": "Events" });
    const notice = makeNotice("Asking the server …");
    let shown = "";

    async function update(turn) {
        const { events, message } = await turn.events(search, EVENTS_SHOWN);
        const next = JSON.stringify(events);
        notice.hidden = events.length > 0 && !message;
        notice.textContent = message || "No event fits in this range.";
        if (next === shown) return;
        shown = next;
        list.replaceChildren(...events.map(makeEvent));
    }
    return { node: make("div", { class: "stream", tabindex: "0", role: "group", "aria-label": `${label}: events` }, notice, list), update };
}

function makeUnknown(definition) {
    const type = textOf(definition.type) || "without a name";
    return { node: make("p", { class: "notice-text" }, "A widget of the type ", make("code", null, visible(type)), ", which is not drawn here.") };
}

/* What draws each type, and how many of the columns it takes where nothing is said. */
const TYPES = {
    timeseries: { make: makeGraph, columns: 4 },
    query_value: { make: makeValue, columns: 4 },
    toplist: { make: makeToplist, columns: 4 },
    query_table: { make: makeGroupTable, columns: 8 },
    note: { make: makeNote, columns: 4 },
    free_text: { make: makeNote, columns: 4 },
    event_stream: { make: makeStream, columns: 8 },
};
const UNKNOWN = { make: makeUnknown, columns: 4 };

function labelOf(definition, { variables }) {
    return visible(fillIn(textOf(definition.title), variables) || requestsOf(definition, variables)[0]?.question || textOf(definition.type) || "widget");
}

/* Widgets under a heading, which has no panel of its own. */
function makeGroup(definition, context) {
    const inner = makeWidgets(objectsOf(definition.widgets), context);
    const title = textOf(definition.title);
    const node = make("div", { class: "group", role: "group", "aria-label": visible(title || "Group") }, title && make("h2", null, foreign(title)), inner.node);
    return { node, all: inner.all };
}

function makePanel(definition, context) {
    const { make: draw, columns } = Object.hasOwn(TYPES, definition.type ?? "") ? TYPES[definition.type] : UNKNOWN;
    const label = labelOf(definition, context);
    const widget = draw(definition, { ...context, label });
    const title = fillIn(textOf(definition.title), context.variables), own = liveSpanOf(definition);
    const node = make("article", { class: "panel widget", "aria-label": label },
        title && make("h2", null, foreign(title), own && make("span", { class: "muted" }, `, the last ${own.text}`)), widget.node);
    const update = own ? (turn) => widget.update(turn.over(own.seconds)) : widget.update;
    return { node, columns, all: widget.update ? [{ update }] : [] };
}

export function makeWidgets(widgets, context) {
    const node = make("div", { class: "board" });
    const all = [];
    for (const { widget, columns } of placed(widgets)) {
        const definition = widget.definition ?? {};
        const isGroup = definition.type === "group";
        const one = isGroup ? makeGroup(definition, context) : makePanel(definition, context);
        one.node.style.setProperty("--columns", isGroup ? COLUMNS : columns ?? one.columns);
        node.append(one.node);
        all.push(...one.all);
    }
    return { node, all };
}
