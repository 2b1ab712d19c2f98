/* page/chart.js: lines over time, with a line of words below and a table beside them.
 *
 *   chart.update({ times: [seconds], series: [{ label, values: [number or null], colour, look }], span, unit })
 *
 * span: [from, to] in seconds, what is to be seen; without it all that there is. unit: what the
 * values are of (page/unit.js), if they are no plain numbers. colour: which, if it is not that of its
 * place. look: none is a line; "upper" and, behind it, "lower" are the bounds of a grey band, and
 * "outside" is what lies outside of it, in red.
 *
 * A series may have a kind, "area" or "bars", with drawn: how high it reaches where it stands on those
 * behind it; dashed, and thick. limits: { min, max } of the axis, either may be missing. markers:
 * [{ from, to, tone, dashed, label }] are lines across, or stripes where from is not to; marks:
 * [{ s, tone }] are moments.
 *
 * The drawing is uPlot's (page/vendor/), its colours are those of style.css. Who does not see
 * it has its sentence (aria-label) and the table, which is made when it is opened. */

import { make, setText } from "./dom.js";
import { clock, day, stamp, utc } from "./format.js";
import { makeTable } from "./table.js";
import { PLAIN } from "./unit.js";

export const COLOURS = 8;
const LEGEND_MAX = 8;

const dark = matchMedia("(prefers-color-scheme: dark)");
const resized = new ResizeObserver((entries) => {
    for (const { target } of entries) target.onResized?.();
});

function colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/* The mark of a series in a legend. */
export function makeSwatch(i) {
    return make("span", { class: `swatch series-${i % COLOURS}`, "aria-hidden": "true" });
}

/* Ticks of the reader's zone: seconds, minutes or days, as they are apart. */
function tickTexts(chart, ticks, axis, space, step_s) {
    return ticks.map((s) => {
        if (step_s >= 86400) return day(s * 1000).slice(5);
        const text = clock(s * 1000);
        return text === "00:00:00" ? day(s * 1000).slice(5) : step_s >= 60 ? text.slice(0, 5) : text;
    });
}

/* From zero, unless all of it is far above. */
function range(chart, min, max) {
    if (min == null || max == null || !Number.isFinite(min)) return [0, 1];
    const apart = max - min;
    if (min >= 0 && apart > max * 0.25) return [0, max * 1.08];
    if (apart === 0) return max === 0 ? [0, 1] : max > 0 ? [0, max * 1.25] : [max * 1.25, 0];
    return [min - apart * 0.1, max + apart * 0.1];
}

/* A value between two gaps would be no line; only those get a dot. Undefined is no gap. */
function aloneOnly(chart, i) {
    const values = chart.data[i], said = [...values.keys()].filter((at) => values[at] !== undefined);
    return said.filter((at, k) => values[at] !== null && (values[said[k - 1]] ?? null) === null && (values[said[k + 1]] ?? null) === null);
}

/* With longer steps than those of others, the point whose step it is. */
function valueAt(values, at) {
    while (at > 0 && values[at] === undefined) at--;
    return values[at];
}

const TONES = { bad: "--bad", warn: "--warn", good: "--good", accent: "--accent" };

/* Lines and stripes across, over what is drawn. */
function drawMarker(chart, { from, to, tone, dashed, label }) {
    const { ctx, bbox } = chart, dot = devicePixelRatio;
    const [low, high] = [from, to].map((v) => chart.valToPos(v, "y", true));
    const ink = colour(TONES[tone] ?? "--muted");
    Object.assign(ctx, { strokeStyle: ink, fillStyle: ink, lineWidth: 1.5 * dot });
    ctx.setLineDash(dashed ? [6 * dot, 4 * dot] : []);
    if (from !== to) {
        ctx.globalAlpha = 0.12;
        ctx.fillRect(bbox.left, high, bbox.width, low - high);
        ctx.globalAlpha = 1;
    } else {
        ctx.beginPath();
        ctx.moveTo(bbox.left, low);
        ctx.lineTo(bbox.left + bbox.width, low);
        ctx.stroke();
    }
    Object.assign(ctx, { font: `${11 * dot}px ${getComputedStyle(document.body).fontFamily}`, textAlign: "left", textBaseline: "bottom" });
    ctx.fillText(label ?? "", bbox.left + 4 * dot, (from === to ? low : high + 14 * dot) - 2 * dot, bbox.width);
}

function drawMark(chart, { s, tone }) {
    const { ctx, bbox } = chart, dot = devicePixelRatio, x = chart.valToPos(s, "x", true);
    Object.assign(ctx, { strokeStyle: colour(TONES[tone] ?? "--edge"), lineWidth: dot });
    ctx.setLineDash([2 * dot, 3 * dot]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
}

/* What is drawn stays within the axes. */
function drawWithin(chart, draw) {
    const { ctx, bbox } = chart;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    draw();
    ctx.restore();
}

const MARK_SPACE = 36;

function markTexts(unit, marks, step) {
    return marks.map((n) => unit.tick(n, marks.length > 1 ? marks[1] - marks[0] : step));
}

/* What the texts beside an axis need. */
function widthOf(chart, texts) {
    return Math.max(62, 18 + 7 * Math.max(0, ...(texts ?? []).map((text) => text.length)));
}

function axes(unit) {
    const common = {
        stroke: colour("--muted"), font: `12px ${getComputedStyle(document.body).fontFamily}`,
        grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false },
    };
    return [
        { ...common, values: tickTexts, space: 72, size: 28, grid: { show: false } },
        { ...common, values: (chart, marks, axis, space, step) => markTexts(unit, marks, step), size: widthOf, space: MARK_SPACE,
            splits: unit.marks && ((chart, axis, from, to) => unit.marks(from, to, chart.height / MARK_SPACE)) },
    ];
}

/* label: of the whole; unit: of what comes without one; legend: false when a table beside names the
 * series; onRange(from_s, to_s): the reader drew over that much. */
export function makeChart({ label, unit: usual = PLAIN, height = 190, legend = true, onRange, signal }) {
    const head = make("p", { class: "axis-unit", hidden: true });
    const canvas = make("div", { class: "canvas", role: "img" });
    const readout = make("p", { class: "readout", "aria-hidden": "true" });
    const table = makeData(label);
    const node = make("figure", { class: "chart" }, head, canvas, readout, table.node);
    let plot = null;
    let shape = "";
    let data = { times: [], series: [] };
    let unit = usual;

    function lineOf(one, i) {
        if (one.look === "upper" || one.look === "lower")
            return { label: one.label, stroke: "transparent", width: 1, points: { show: false } };
        const turn = one.colour ?? i;
        const stroke = colour(one.look === "outside" ? "--bad" : `--series-${turn % COLOURS}`);
        if (one.kind === "bars")
            return { label: one.label, stroke, width: 0, fill: stroke, points: { show: false }, paths: uPlot.paths.bars({ size: [0.8, 48] }) };
        return { label: one.label, stroke, width: one.look === "outside" || one.thick ? 2.5 : 1.75,
            dash: one.dashed || turn >= COLOURS ? [6, 3] : undefined, fill: one.kind === "area" ? `${stroke}55` : undefined,
            points: { size: 5, fill: stroke, show: true, filter: aloneOnly } };
    }

    /* Of uPlot's series, where 0 is the time: the band of an answer, and areas that stand on others. */
    function bands() {
        return data.series.flatMap((one, i) => {
            if (one.look === "upper") return [{ series: [i + 1, i + 2], fill: `${colour("--muted")}33` }];
            return one.kind === "area" && data.series[i + 1]?.kind === "area" ? [{ series: [i + 1, i + 2] }] : [];
        });
    }

    function arrays() {
        return [data.times, ...data.series.map((one) => one.drawn ?? one.values)];
    }

    /* Markers are seen, and what is filled is filled from 0 on. */
    function rangeOf(chart, min, max) {
        const seen = (data.markers ?? []).flatMap(({ from, to }) => [from, to]).filter(Number.isFinite);
        if (data.series.some(({ kind }) => kind)) seen.push(0);
        if (min != null) seen.push(min, max);
        const [low, high] = seen.length > 0 ? range(chart, Math.min(...seen), Math.max(...seen)) : [0, 1];
        const [from, to] = [data.limits?.min ?? low, data.limits?.max ?? high];
        return from < to ? [from, to] : [low, high];
    }

    function drawOver(chart) {
        drawWithin(chart, () => {
            for (const one of data.marks ?? []) drawMark(chart, one);
            for (const one of data.markers ?? []) {
                const { min, max } = chart.scales.y;
                drawMarker(chart, { ...one, from: Math.max(one.from, Math.min(min, one.to)), to: Math.min(one.to, Math.max(max, one.from)) });
            }
        });
    }

    function options() {
        return {
            width: Math.max(canvas.clientWidth, 120), height, legend: { show: false }, padding: [10, 26, 0, 0],
            scales: { x: { time: true, range: spanOf }, y: { range: rangeOf } }, axes: axes(unit),
            cursor: { y: false, points: { size: 7 }, drag: { x: Boolean(onRange), y: false, setScale: false } },
            series: [{}, ...data.series.map(lineOf)], bands: bands(),
            hooks: { setCursor: [showReadout], setSelect: [choose], draw: [drawOver] },
        };
    }

    function spanOf(chart, from_s, to_s) {
        if (data.span) return data.span;
        return from_s === to_s ? [from_s - 30, to_s + 30] : [from_s, to_s];
    }

    function choose(chart) {
        if (!onRange || chart.select.width < 8) return;
        const { left, width } = chart.select;
        chart.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        onRange(chart.posToVal(left, "x"), chart.posToVal(left + width, "x"));
    }

    function draw() {
        plot?.destroy();
        plot = data.times.length > 0 ? new uPlot(options(), arrays(), canvas) : null;
    }

    function showReadout() {
        const at = plot?.cursor.idx ?? data.times.length - 1;
        if (at < 0 || data.times.length === 0) {
            readout.replaceChildren();
            return;
        }
        const ms = data.times[at] * 1000;
        const shown = legend ? lines() : [];
        const parts = shown.slice(0, LEGEND_MAX).map((one, i) => make("span", { class: "entry" }, makeSwatch(one.colour ?? i),
            make("bdi", null, `${one.label} `), make("b", null, unit.text(valueAt(one.values, at)))));
        if (shown.length > LEGEND_MAX) parts.push(make("span", { class: "entry muted" }, `and ${shown.length - LEGEND_MAX} more`));
        readout.replaceChildren(...parts, make("span", { class: "entry muted" }, `${clock(ms)} (${utc(ms).slice(11)})`));
    }

    function lines() {
        return data.series.filter((one) => !one.look);
    }

    function sentence() {
        const shown = lines();
        const last = shown.slice(0, 6).map((one) => `${one.label} ${unit.text(one.values.findLast((v) => v != null))}`);
        const rest = shown.length > 6 ? ` and ${shown.length - 6} more` : "";
        return `${label}, a chart. Last values: ${last.join(", ") || "none"}${rest}.`;
    }

    function update(next) {
        data = next;
        unit = next.unit ?? usual;
        const now = JSON.stringify([unit.name, unit.text(1),
            ...next.series.map(({ label, kind, look, colour, dashed, thick }) => [label, kind, look, colour, dashed, thick])]);
        setText(head, unit.name);
        head.hidden = unit.name === "";
        if (plot && now === shape && next.times.length > 0) plot.setData(arrays());
        else draw();
        shape = now;
        showReadout();
        canvas.setAttribute("aria-label", sentence());
        table.update({ ...next, unit });
    }

    canvas.onResized = () => plot && plot.setSize({ width: Math.max(canvas.clientWidth, 120), height });
    resized.observe(canvas);
    dark.addEventListener("change", draw, { signal });
    signal.addEventListener("abort", () => {
        resized.unobserve(canvas);
        plot?.destroy();
        plot = null;
    });
    return { node, update };
}

/* ---- the same as a table ----------------------------------------------- */

const ROWS_MAX = 500;

function makeData(label) {
    const box = make("div");
    const node = make("details", { class: "data" }, make("summary", null, "As a table"), box);
    let table = null;
    let shape = "";
    let data = null;

    function show() {
        if (!node.open || !data) return;
        const now = [data.unit.name, ...data.series.map((one) => one.label)].join("\n");
        if (!table || now !== shape) {
            shape = now;
            table = makeTable({ caption: `${label}: the numbers`, columns: [
                { title: "Time", head: true, cell: (i) => stamp(data.times[i] * 1000) },
                { title: "UTC", wide: true, cell: (i) => utc(data.times[i] * 1000).slice(11, 19) },
                ...data.series.map((one, j) => ({ title: one.label, number: true, cell: (i) => data.unit.text(data.series[j].values[i]) })),
            ] });
            box.replaceChildren(table.node);
        }
        table.update(data.times.map((s, i) => i).reverse().slice(0, ROWS_MAX));
    }

    node.addEventListener("toggle", show);
    return { node, update: (next) => { data = next; show(); } };
}

/* ---- a spark ----------------------------------------------------------- */

const WIDTH = 96, HEIGHT = 24;

/* "M x y L x y" of a few numbers from zero up; a null is a gap. */
export function sparkPath(values) {
    const known = values.filter((v) => v != null);
    const top = Math.max(...known, 0), bottom = Math.min(...known, 0);
    const apart = top - bottom || 1;
    let path = "", pen = "M";

    values.forEach((v, i) => {
        if (v == null) {
            pen = "M";
            return;
        }
        const x = values.length > 1 ? (i * WIDTH) / (values.length - 1) : WIDTH / 2;
        const y = 2 + (1 - (v - bottom) / apart) * (HEIGHT - 4);
        const alone = pen === "M" && (i + 1 >= values.length || values[i + 1] == null);
        path += `${pen}${x.toFixed(1)} ${y.toFixed(1)}${alone ? "h.1" : ""}`;
        pen = "L";
    });
    return path;
}
