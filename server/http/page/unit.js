/* page/unit.js: what numbers are numbers of, and how they are written; the same as chart/unit.c.
 *
 * Units are those of Datadog's metadata, by name: "byte", "millisecond", "percent". What is not
 * known here is a plain number, with the name of the unit at the head of the axis. Pure functions. */

import { digitsThatMatter, rate, short, visible } from "./format.js";

const KNOWN = {
    bit: ["bytes", 0.125], byte: ["bytes", 1], kibibyte: ["bytes", 1024], mebibyte: ["bytes", 1024 ** 2],
    gibibyte: ["bytes", 1024 ** 3], tebibyte: ["bytes", 1024 ** 4],
    nanosecond: ["seconds", 1e-9], microsecond: ["seconds", 1e-6], millisecond: ["seconds", 1e-3], second: ["seconds", 1],
    minute: ["seconds", 60], hour: ["seconds", 3600], day: ["seconds", 86400], week: ["seconds", 604800],
    percent: ["percent", 1], fraction: ["percent", 100],
};

/* What a metric is often of, for who writes it. */
export const UNIT_NAMES = [...Object.keys(KNOWN), "request", "error", "connection", "item", "message", "event", "operation", "query", "user"];

const WORDS = {
    bytes: [[1, " B"], [1024, " KiB"], [1024 ** 2, " MiB"], [1024 ** 3, " GiB"], [1024 ** 4, " TiB"], [1024 ** 5, " PiB"]],
    seconds: [[1e-9, " ns"], [1e-6, " µs"], [1e-3, " ms"], [1, " s"], [60, " min"], [3600, " h"], [86400, " d"]],
    percent: [[1, " %"]],
    number: [[1, ""], [1e3, " k"], [1e6, " M"], [1e9, " G"], [1e12, " T"]],
};

const TIMES = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400];

function roundUp(n) {
    const ten = 10 ** Math.floor(Math.log10(n));
    return [1, 2, 5, 10].find((times) => times * ten >= n * (1 - 1e-9)) * ten;
}

/* How far marks are apart that stand at whole minutes or KiB: least, or a little more. */
function stepOf(kind, least, largest) {
    const [size] = kind === "bytes" ? wordOf(kind, largest) : least > 86400 ? [86400] : [1];
    return kind === "seconds" && least > 1 && least <= 86400 ? TIMES.find((n) => n >= least) : roundUp(least / size) * size;
}

/* Enough digits to tell it from what stands a step beside it. */
function digitsOf(value, step) {
    const n = Math.min(9, Math.max(0, Math.ceil(-Math.log10(step) - 1e-9)));
    const least = [n, n + 1, n + 2].find((more) => Math.abs(step * 10 ** more - Math.round(step * 10 ** more)) < 1e-6 * step * 10 ** more);
    return String(Number(value.toFixed(least ?? n + 1)));
}

function wordOf(kind, value) {
    return WORDS[kind].findLast(([size]) => Math.abs(value) >= size * 0.9995) ?? WORDS[kind][0];
}

/* name, per: as the metadata has them, or nothing. { name: for the head of the axis, or ""; text(n):
 * three digits that matter; tick(n, step): enough to tell it from the mark beside it; marks(from, to,
 * most): where an axis has them, or nothing: as for any number }. */
export function makeUnit(name, per) {
    const [kind, factor] = Object.hasOwn(KNOWN, name ?? "") ? KNOWN[name] : ["number", 1];
    const zero = kind === "seconds" ? "0 s" : null;

    function text(n) {
        if (n == null || !Number.isFinite(n)) return "–";
        if (kind === "number") return short(n);
        if (n === 0 && zero) return zero;
        const [size, word] = wordOf(kind, n * factor);
        return digitsThatMatter((n * factor) / size) + word;
    }

    function tick(n, step) {
        if (!Number.isFinite(n) || !(step > 0) || Math.abs(n) >= 1e15) return text(n);
        if (n === 0) return zero ?? `0${kind === "percent" ? " %" : ""}`;
        const [size, word] = wordOf(kind, n * factor);
        return digitsOf((n * factor) / size, (step * factor) / size) + word;
    }

    function marks(from, to, most) {
        const largest = Math.max(Math.abs(from), Math.abs(to)) * factor;
        const step = stepOf(kind, ((to - from) * factor) / Math.max(1, most), largest) / factor;
        const first = Math.ceil(from / step - 1e-9), last = Math.floor(to / step + 1e-9);
        return Array.from({ length: Math.min(100, last - first + 1) }, (_, i) => (first + i) * step);
    }

    return { text, tick, marks: kind === "bytes" || kind === "seconds" ? marks : undefined,
        name: unitWords(kind === "number" ? name : "", per) };
}

/* "byte per second", or nothing. */
export function unitWords(name, per) {
    return visible([name, per && `per ${per}`].filter(Boolean).join(" "));
}

export const PLAIN = makeUnit();
export const PER_SECOND = { ...PLAIN, text: rate, tick: (n, step) => `${PLAIN.tick(n, step)}/s` };

/* The unit of an answer: that of all of its series, as Datadog's form has it, a list of the unit and of what it
 * is divided by; numbers where they differ. */
export function unitOf(series) {
    const [first = ["", ""], ...others] = series.map(({ unit }) => [unit?.[0]?.name ?? "", unit?.[1]?.name ?? ""]);
    const isOne = first.join("") !== "" && others.every(([name, per]) => name === first[0] && per === first[1]);
    return isOne ? makeUnit(...first) : PLAIN;
}
