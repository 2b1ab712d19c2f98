/* page/format.js: numbers, bytes, times and foreign text, as they are read.
 *
 * Pure functions. Numbers are English, as the page is; times are of the reader's zone. */

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const digits = [0, 1, 2, 3].map((n) => new Intl.NumberFormat("en", { maximumFractionDigits: n }));
const SCALES = [[1e12, " T"], [1e9, " G"], [1e6, " M"], [1e3, " k"]];
const BINARY = ["B", "KiB", "MiB", "GiB", "TiB"];

/* 1,234,567: of a counter, exact. */
export function count(n) {
    return whole.format(n);
}

/* Three digits that matter: 0.25, 12.3, 1.23 M. What is no number is a dash. */
export function short(n) {
    if (n == null || !Number.isFinite(n)) return "–";
    const size = Math.abs(n);
    for (const [scale, unit] of SCALES)
        if (size >= scale * 0.9995) return digitsThatMatter(n / scale) + unit;
    return digitsThatMatter(n);
}

/* The same without a word behind it: 1,010. */
export function digitsThatMatter(n) {
    const size = Math.abs(n);
    if (size !== 0 && size < 0.001) return n.toExponential(1);
    return digits[size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3].format(n);
}

/* Every digit that a double has. */
export function exact(n) {
    return n == null || !Number.isFinite(n) ? "–" : String(n);
}

export function rate(n) {
    return n == null ? "–" : `${short(n)}/s`;
}

export function bytes(n) {
    let i = 0;
    while (n >= 1023.5 && i < BINARY.length - 1) {
        n /= 1024;
        i++;
    }
    return `${digits[n >= 100 || i === 0 ? 0 : 1].format(n)} ${BINARY[i]}`;
}

/* Percent of a share of 0 to 1. */
export function percent(share) {
    if (share > 0 && share < 0.0001) return "< 0.01 %";
    return `${digits[share < 0.01 ? 2 : share < 0.1 ? 1 : 0].format(share * 100)} %`;
}

export function duration(seconds) {
    const s = Math.max(0, Math.round(seconds));
    if (s < 60) return `${s} s`;
    if (s < 3600) return `${Math.floor(s / 60)} min`;
    if (s < 86400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
    return `${Math.floor(s / 86400)} d ${Math.floor((s % 86400) / 3600)} h`;
}

/* "a", "2 things": the plural is the singular with s, or given. */
export function many(n, one, others = `${one}s`) {
    return `${count(n)} ${n === 1 ? one : others}`;
}

/* ---- times ------------------------------------------------------------- */

function two(n) {
    return String(n).padStart(2, "0");
}

export function clock(ms) {
    const at = new Date(ms);
    return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

export function day(ms) {
    const at = new Date(ms);
    return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

export function stamp(ms) {
    return `${day(ms)} ${clock(ms)}`;
}

export function utc(ms) {
    return new Date(ms).toISOString().replace("T", " ").replace(/\.\d+Z$/, " UTC");
}

/* "Europe/Berlin (UTC+01:00)" */
export function zone(ms) {
    const minutes = -new Date(ms).getTimezoneOffset();
    const size = Math.abs(minutes);
    const name = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "this zone";
    const offset = `${minutes < 0 ? "−" : "+"}${two(Math.floor(size / 60))}:${two(size % 60)}`;
    return name === "UTC" ? "UTC" : `${name} (UTC${offset})`;
}

/* ---- foreign text ------------------------------------------------------ */

/* What is invisible or turns the writing round: control and format characters, and the separators
 * of lines and paragraphs; the same as on a terminal (config/shown.c). */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

function escape(c) {
    const code = c.codePointAt(0), hex = code.toString(16);
    return code < 0x100 ? `\\x${hex.padStart(2, "0")}` : code < 0x10000 ? `\\u${hex.padStart(4, "0")}` : `\\u{${hex}}`;
}

export function visible(text) {
    return String(text).replace(INVISIBLE, escape);
}
