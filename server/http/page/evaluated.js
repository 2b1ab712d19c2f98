/* page/evaluated.js: what a monitor looks at, over a stretch of time: a chart with its thresholds, and below a
 * line of colours: in which state each group would have been.
 *
 *   evaluated.update(definition, { from_s, to_s }, signal)
 *
 * The states are worked out here (page/condition.js), which is said. */

import { ask, isAbort } from "./api.js";
import { readAnswer } from "./answer.js";
import { makeChart } from "./chart.js";
import { isAnomalies, markersOf, operandsOf, pointsOf, readCondition, secondsOf, STATES, statesOf, thresholdsOf } from "./condition.js";
import { make, makeNotice, makeSvg, setText } from "./dom.js";
import { clock, duration, many, visible } from "./format.js";
import { address } from "./router.js";

const STEPS = 480, STEP_LEAST_S = 60, LINES_MAX = 12;

/* ---- the line of colours ----------------------------------------------- */

/* [{ state, n }] of equal ones in a row. */
function runsOf(states) {
    const runs = [];
    for (const state of states)
        if (runs.at(-1)?.state === state) runs.at(-1).n++;
        else runs.push({ state, n: 1 });
    return runs;
}

const classOf = (state) => state.toLowerCase().replace(" ", "-");

function makeLine({ label, states }, { from_s, step_s }) {
    let at = 0;
    const bars = runsOf(states).map(({ state, n }) => {
        const from = at;
        at += n;
        return makeSvg("rect", { class: `run ${classOf(state)}`, x: from, y: 0, width: n, height: 1 },
            makeSvg("title", null, `${state} ${clock((from_s + from * step_s) * 1000)} to ${clock((from_s + at * step_s) * 1000)}`));
    });
    const said = STATES.map((state) => [state, states.filter((one) => one === state).length * step_s]).filter(([, s]) => s > 0)
        .map(([state, s]) => `${state} ${duration(s)}`).join(", ");
    return make("li", null, make("span", { class: "line-head" }, make("bdi", null, label), make("span", { class: "muted" }, said)),
        makeSvg("svg", { class: "states", viewBox: `0 0 ${Math.max(1, states.length)} 1`, preserveAspectRatio: "none", role: "img", "aria-label": `${label}: ${said}` }, bars));
}

function makeLines() {
    const list = make("ul", { class: "state-lines" });
    const note = make("p", { class: "muted" });
    return { node: make("div", null, list, note), update(rows, grid) {
        list.replaceChildren(...rows.slice(0, LINES_MAX).map((row) => makeLine(row, grid)));
        setText(note, `How the states would have been: approximately, worked out here of points ${duration(grid.step_s)} apart.`
            + (rows.length > LINES_MAX ? ` ${many(rows.length - LINES_MAX, "group")} more are not drawn.` : ""));
    } };
}

/* ---- the chart --------------------------------------------------------- */

/* Of a change what it changed by, and only what is to be seen. */
function shown(answer, condition, { from_s, to_s }) {
    return { ...answer, series: answer.series.map((one) => ({ ...one, pointlist: pointsOf(one, condition)
        .filter(([s]) => s >= from_s && s < to_s).map(([s, v]) => [s * 1000, v]) })) };
}

function explain(condition) {
    if (isAnomalies(condition)) return "Its thresholds are shares of points outside of the band, so no lines across are drawn for them.";
    return condition.change ? `Drawn is by how ${condition.change === "change" ? "much" : "many percent"} it changed in ${condition.shift}.` : "";
}

/* What stands instead of a chart. */
function insteadOf(definition) {
    if (definition.type === "composite") return make("p", { class: "notice-text" }, "It is made of other monitors: ",
        operandsOf(definition.query).map((id, i) => [i > 0 && ", ", make("a", { href: address("monitor", { id }) }, id)]), ".");
    if (definition.type === "service check") return makeNotice("It looks at the statuses of a check, of which no chart is drawn.");
    return makeNotice("Its query is none of which a chart is drawn, as avg(last_5m):avg:load{*} > 800 would be.");
}

export function makeEvaluated({ label, onRange, signal }) {
    const chart = makeChart({ label, height: 240, onRange, signal });
    const lines = makeLines();
    const note = make("p", { class: "muted" });
    const drawn = make("div", { hidden: true }, chart.node, note, lines.node);
    const other = make("div", null, makeNotice("Asking the server …"));
    const node = make("div", { class: "panel evaluated" }, drawn, other);

    function instead(what) {
        other.replaceChildren(what);
        other.hidden = false;
        drawn.hidden = true;
    }

    function show(answer, definition, condition, { from_s, to_s }) {
        const seen = readAnswer(isAnomalies(condition) ? answer : shown(answer, condition, { from_s, to_s }), [from_s, to_s]);
        const thresholds = thresholdsOf(definition, condition);
        const step_s = Math.max(STEP_LEAST_S, ...answer.series.map(({ interval }) => interval), Math.ceil((to_s - from_s) / STEPS / 60) * 60);
        const grid = { from_s, to_s, step_s };

        if (seen.groups.length === 0) {
            instead(makeNotice("No series fits its query in this stretch of time."));
            return;
        }
        other.hidden = true;
        drawn.hidden = false;
        chart.update({ ...seen, markers: isAnomalies(condition) ? [] : markersOf(thresholds) });
        lines.update(statesOf(readAnswer(answer).groups.filter(({ colour }) => colour !== undefined), condition, definition, grid), grid);
        setText(note, [explain(condition), answer.message && visible(answer.message)].filter(Boolean).join(" "));
        note.hidden = note.textContent === "";
    }

    /* Throws when the server is not there. */
    async function update(definition, span, request) {
        const condition = readCondition(definition.query);
        if (!condition || !["metric alert", "query alert"].includes(definition.type)) {
            instead(insteadOf(definition));
            return;
        }
        const before_s = secondsOf(condition.span) + (condition.change ? secondsOf(condition.shift) : 0);
        try {
            show(await ask("/api/v1/query", { from: span.from_s - before_s, to: span.to_s, query: condition.expression }, request), definition, condition, span);
        } catch (problem) {
            if (isAbort(problem) || problem.status !== 400) throw problem;
            instead(make("p", { class: "notice-text bad" }, visible(problem.message)));
        }
    }
    return { node, update };
}
