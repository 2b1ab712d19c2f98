/* page/dashboard.js: one dashboard: its widgets, its variables, a stretch of time, and its JSON.
 *
 *   #/dashboard?id=x4x-ttz-cnu&range=4h&tpl_var_host=web-1
 *
 * All its widgets are asked in one turn, a few at a time, and what several ask is asked once. */

import { ask, isAbort, pulse, repeat, send } from "./api.js";
import { askedOf, isWanted, valuesIn, variablesOf } from "./board.js";
import { make, makeNotice, makeTwice, setText, foreign } from "./dom.js";
import { makeEditor, withoutSaid } from "./editor.js";
import { askEvents } from "./events.js";
import { many, visible } from "./format.js";
import { makeRange } from "./range.js";
import { go, remember } from "./router.js";
import { makeWidgets } from "./widgets.js";

const AT_ONCE = 4, PERIOD_LEAST_MS = 2000, EVENTS_A_PAGE = 1000;

/* What the widgets ask at one time. over(seconds): the same, about so many until now. */
function makeTurn(span, signal) {
    const asked = new Map(), others = new Map();

    function over(seconds) {
        const to_s = pulse.now_s();
        if (!others.has(seconds)) others.set(seconds, makeTurn({ from_s: to_s - seconds, to_s }, signal));
        return others.get(seconds);
    }

    function once(key, askIt) {
        if (!asked.has(key)) asked.set(key, askIt());
        return asked.get(key);
    }

    function askQuery(question) {
        return once(question, () => ask("/api/v1/query", { from: span.from_s, to: span.to_s, query: question }, signal));
    }

    /* The last events that a search fits, up to so many, and why they may not be all. What the server does not
     * look for itself is looked for among its last thousand. */
    async function events(search, most) {
        const { asked: parameters, isAll } = askedOf(search);
        const limit = isAll ? most : EVENTS_A_PAGE, said = await once(`${limit} ${JSON.stringify(parameters)}`,
            () => askEvents({ ...parameters, start: span.from_s, end: span.to_s, limit }, signal));
        const isCut = !isAll && said.events.length === limit;
        return { events: said.events.filter((event) => isWanted(event, search)).slice(0, most),
            message: said.message ? `The server says: ${visible(said.message)}.`
                : isCut ? `Looked through were the last ${many(limit, "event")} of this range.` : "" };
    }
    return { span, signal, over, ask: askQuery, events };
}

async function updateAll(widgets, turn) {
    const waiting = [...widgets];
    const one = async () => {
        for (let next = waiting.shift(); next; next = waiting.shift()) await next.update(turn);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, one));
}

/* ---- variables --------------------------------------------------------- */

function makeVariable(variable, onChange) {
    const id = `variable-${variable.key}`, list = `${id}-offered`;
    const input = make("input", { type: "text", id, list: variable.offered.length > 0 ? list : null, value: variable.values.join(", "),
        autocomplete: "off", autocapitalize: "off", spellcheck: "false" });
    input.addEventListener("change", () => onChange(variable, valuesIn(input.value)));
    return make("div", null, make("label", { for: id }, foreign(`$${variable.name}`)), input,
        variable.offered.length > 0 && make("datalist", { id: list }, variable.offered.map((value) => make("option", { value }))));
}

/* ---- the definition ---------------------------------------------------- */

/* In the form in which it came, so that nothing of it is lost. */
async function formOf(id, signal) {
    const { dashes } = await ask("/api/v1/dash", {}, signal);
    const isTimeboard = dashes.some((one) => one.new_id === id);
    const path = `/api/v1/${isTimeboard ? "dash" : "dashboard"}/${encodeURIComponent(id)}`;
    const said = await ask(path, {}, signal);
    return { path, definition: withoutSaid(isTimeboard ? said.dash : said) };
}

function makeDelete(board, say, signal) {
    return makeTwice("Delete this dashboard", "Delete it for good", async () => {
        try {
            await send("DELETE", `/api/v1/dashboard/${encodeURIComponent(board.id)}`, undefined, signal);
            go("dashboards");
        } catch (problem) {
            if (!isAbort(problem)) say(`Not deleted: ${problem.message}`, true);
        }
    });
}

/* The JSON, which is asked for when it is opened. */
function makeDefinition(board, onSaved, signal) {
    let path = null;
    const readOnly = board.file ? `The file ${visible(board.file)} of heeler_dashboards_path holds it: it is changed there, and read at the next reload.` : null;
    const editor = makeEditor({ readOnly, save: async (text) => {
        await send("PUT", path, text, signal);
        await onSaved();
        return "Saved.";
    } });
    const node = make("details", { class: "new" }, make("summary", null, "JSON"), editor.node, !board.file && makeDelete(board, editor.say, signal));

    node.addEventListener("toggle", async () => {
        if (!node.open || path !== null) return;
        try {
            const form = await formOf(board.id, signal);
            path = form.path;
            editor.show(form.definition);
        } catch (problem) {
            if (!isAbort(problem)) editor.say(`No answer: ${problem.message}`, true);
        }
    });
    return node;
}

/* ---- the view ---------------------------------------------------------- */

export function openDashboard(place, parameters, signal) {
    const id = parameters.id ?? "";
    const range = makeRange(parameters, () => changed());
    const live = make("input", { type: "checkbox" });
    const title = make("h1", null, foreign(id));
    const facts = make("p", { class: "muted" });
    const controls = make("div", { class: "variables" });
    const notice = makeNotice("Asking the server …");
    const body = make("div");
    const below = make("div");
    let board = null, variables = [], drawing = null, widgets = [], request = null;

    live.checked = parameters.live !== "off";
    place.append(make("p", { class: "crumb" }, make("a", { href: "#/dashboards" }, "Dashboards")), title, facts,
        make("div", { class: "tools" }, range.nodes, make("label", { class: "check" }, live, "Live"), controls), notice, body, below);

    function parametersNow() {
        const chosen = variables.filter(({ values, usual }) => values.join() !== usual.join()).map(({ key, values }) => [key, values.join(",") || "*"]);
        return { id, ...range.parameters(), live: live.checked ? "" : "off", ...Object.fromEntries(chosen) };
    }

    function changed() {
        live.disabled = !range.endsNow();
        remember("dashboard", parametersNow());
        request?.abort();
        again();
    }

    function choose(variable, values) {
        variable.values = values;
        draw();
        changed();
    }

    /* Every widget anew: what it asks is another thing now. */
    function draw() {
        drawing?.abort();
        drawing = new AbortController();
        const made = makeWidgets(board.widgets, { variables, onRange: range.zoom, signal: AbortSignal.any([signal, drawing.signal]) });
        widgets = made.all;
        body.replaceChildren(made.node);
    }

    function showFacts() {
        const text = visible(board.title);
        title.replaceChildren(foreign(board.title));
        document.title = document.title.replace(/^[^·]*/, () => `${text} `);
        facts.replaceChildren(...[board.description && foreign(board.description), board.file && make("span", { class: "from-file" }, `From the file ${visible(board.file)}`)].filter(Boolean)
            .flatMap((part, i) => (i > 0 ? [" · ", part] : [part])));
        facts.hidden = facts.childNodes.length === 0;
    }

    /* Asks for the definition and shows it. */
    async function load() {
        board = await ask(`/api/v1/dashboard/${encodeURIComponent(id)}`, {}, signal);
        variables = variablesOf(board, parameters);
        controls.replaceChildren(...variables.map((variable) => makeVariable(variable, choose)));
        setText(notice, "It has no widgets.");
        showFacts();
        draw();
    }

    async function turn() {
        try {
            if (board === null) {
                await load();
                below.replaceChildren(makeDefinition(board, async () => {
                    await load();
                    changed();
                }, signal));
            }
            request = new AbortController();
            await updateAll(widgets, makeTurn(range.span(), AbortSignal.any([signal, request.signal])));
            notice.hidden = board.widgets.length > 0;
        } catch (problem) {
            if (isAbort(problem) || pulse.goneSince !== 0) return;
            notice.hidden = false;
            setText(notice, problem.status === 404 ? "There is no dashboard of this id." : `No answer: ${visible(problem.message)}. It is asked again.`);
        }
    }

    const period = () => (live.checked && range.endsNow() ? Math.max((pulse.status?.interval_s ?? 10) * 1000, PERIOD_LEAST_MS) : 3600000);
    const again = repeat(turn, period, signal);
    live.addEventListener("change", changed);
    return { title: "Dashboard" };
}
