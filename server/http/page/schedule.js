/* page/schedule.js: when downtimes are: the times of a zone, and the occurrences of those that recur.
 *
 *   attributes of /api/v2/downtime  ->  [{ from_s, to_s }] within a week
 *   wall-clock seconds: those since 1970 that a clock of the zone shows
 *
 * Pure functions. Who works out all rules is heeler-calendar; here are those that need no question: by day, by week
 * and by month, with an interval, days and an end. Of others what the server said of that time is drawn. */

import { day, clock } from "./format.js";

export const WEEKDAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const SHORT = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];
export const DAY_S = 86400, WEEK_S = 7 * DAY_S;

/* ---- zones ------------------------------------------------------------- */

const formats = new Map();

/* One that this browser does not know is read as UTC. */
function formatOf(zone) {
    if (!formats.has(zone)) {
        const options = { hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric" };
        try {
            formats.set(zone, new Intl.DateTimeFormat("en-US", { ...options, timeZone: zone }));
        } catch {
            formats.set(zone, new Intl.DateTimeFormat("en-US", { ...options, timeZone: "UTC" }));
        }
    }
    return formats.get(zone);
}

export function wallOf(zone, s) {
    const parts = Object.fromEntries(formatOf(zone).formatToParts(new Date(s * 1000)).map(({ type, value }) => [type, Number(value)]));
    return Date.UTC(parts.year, parts.month - 1, parts.day, parts.hour, parts.minute, parts.second) / 1000;
}

/* What a change of the clock left out is as much later. */
export function instantOf(zone, wall_s) {
    const guess = wall_s - (wallOf(zone, wall_s) - wall_s);
    return wall_s - (wallOf(zone, guess) - guess);
}

const iso = (wall_s) => new Date(wall_s * 1000).toISOString();
export const dateText = (wall_s) => iso(wall_s).slice(0, 10);
export const timeText = (wall_s) => iso(wall_s).slice(11, 16);

/* "2026-11-30T19:00:00", without a zone. */
export const wallText = (wall_s) => iso(wall_s).slice(0, 19);

function wallIn(text) {
    const ms = Date.parse(`${String(text).slice(0, 19)}Z`);
    return Number.isNaN(ms) ? null : ms / 1000;
}

/* ---- weeks ------------------------------------------------------------- */

const dayOf = (wall_s) => Math.floor(wall_s / DAY_S);
const weekdayOf = (day) => (day + 3) % 7; /* the first of 1970 was a Thursday */
const weekOf = (day) => Math.floor((day + 3) / 7);

/* The Monday of that moment's week, at midnight. */
export function mondayOf(wall_s) {
    return (dayOf(wall_s) - weekdayOf(dayOf(wall_s))) * DAY_S;
}

/* ---- rules ------------------------------------------------------------- */

const READ = ["FREQ", "INTERVAL", "BYDAY", "BYMONTHDAY", "UNTIL", "COUNT", "WKST"];

/* { freq, interval, days, monthday, until, count }; null: it has more than is drawn here. */
function readRule(text) {
    const parts = Object.fromEntries(String(text).replace(/^RRULE:/i, "").split(";").filter(Boolean).map((part) => part.toUpperCase().split("=")));
    const days = parts.BYDAY?.split(",").map((name) => SHORT.indexOf(name)) ?? null;
    const isRead = Object.keys(parts).every((name) => READ.includes(name)) && ["DAILY", "WEEKLY", "MONTHLY"].includes(parts.FREQ) && !days?.includes(-1)
        && !(parts.FREQ === "MONTHLY" && days) && !(parts.BYMONTHDAY && (parts.FREQ !== "MONTHLY" || !/^\d+$/.test(parts.BYMONTHDAY)));
    return isRead ? { freq: parts.FREQ, interval: Math.max(1, Number(parts.INTERVAL) || 1), days, monthday: Number(parts.BYMONTHDAY) || null,
        until: parts.UNTIL, count: Number(parts.COUNT) || Infinity } : null;
}

/* "14h", "1d", "1h30m": whole days are days of the calendar. */
export function readDuration(text) {
    const units = { w: [7, 0], d: [1, 0], h: [0, 3600], m: [0, 60], s: [0, 1] };
    const sum = { days: 0, seconds: 0 };
    for (const [, n, unit] of String(text).matchAll(/(\d+)([wdhms])/g)) {
        sum.days += Number(n) * units[unit][0];
        sum.seconds += Number(n) * units[unit][1];
    }
    return sum;
}

function isDay(rule, day, anchor) {
    if (rule.freq === "DAILY") return (day - anchor) % rule.interval === 0 && (rule.days?.includes(weekdayOf(day)) ?? true);
    if (rule.freq === "WEEKLY")
        return (weekOf(day) - weekOf(anchor)) % rule.interval === 0 && (rule.days?.includes(weekdayOf(day)) ?? weekdayOf(day) === weekdayOf(anchor));
    const [at, from] = [day, anchor].map((one) => new Date(one * DAY_S * 1000));
    const months = 12 * (at.getUTCFullYear() - from.getUTCFullYear()) + at.getUTCMonth() - from.getUTCMonth();
    return months % rule.interval === 0 && at.getUTCDate() === (rule.monthday ?? from.getUTCDate());
}

function lastDayOf(rule, zone) {
    const found = rule.until?.match(/^(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)(Z?))?$/);
    if (!found) return Infinity;
    const [, y, mo, d, h = "23", mi = "59", s = "59", z] = found;
    const said_s = Date.UTC(y, mo - 1, d, h, mi, s) / 1000;
    return z ? wallOf(zone, said_s) : said_s;
}

/* Before the anchor days in the past count too, if the rule began at `first`. */
function daysOf(rule, { anchor_s, first_s, from_s, to_s, zone }) {
    const time_s = anchor_s % DAY_S, anchor = dayOf(anchor_s), last_s = lastDayOf(rule, zone), days = [];
    let n = 0;
    for (let at = rule.count < Infinity ? dayOf(first_s) : Math.max(dayOf(first_s), dayOf(from_s)); at * DAY_S < to_s; at++) {
        if (!isDay(rule, at, anchor)) continue;
        if (++n > rule.count || at * DAY_S + time_s > last_s) break;
        if (at * DAY_S >= from_s) days.push(at * DAY_S + time_s);
    }
    return days;
}

function occurrencesOfRule(recurrence, attributes, zone, from_s, to_s) {
    const rule = readRule(recurrence.rrule), { days, seconds } = readDuration(recurrence.duration);
    const current = attributes.schedule.current_downtime?.start, said_s = recurrence.start ? wallIn(recurrence.start) : null;
    const anchor_s = said_s ?? (current ? wallOf(zone, Date.parse(current) / 1000) : null);
    if (!rule || anchor_s === null) return null;
    const created_s = Date.parse(attributes.created) / 1000, first_s = said_s ?? Math.min(anchor_s, wallOf(zone, created_s || 0));
    const before_s = wallOf(zone, from_s) - (days + 2) * DAY_S - seconds;
    return daysOf(rule, { anchor_s, first_s, from_s: before_s, to_s: wallOf(zone, to_s) + DAY_S, zone })
        .map((wall_s) => ({ from_s: instantOf(zone, wall_s), to_s: instantOf(zone, wall_s + days * DAY_S) + seconds }));
}

const secondsIn = (text, instead) => (text ? Date.parse(text) / 1000 : instead);

export function zoneOf({ schedule, display_timezone }) {
    return schedule?.timezone ?? display_timezone ?? "UTC";
}

/* { all, isWhole }: what of it lies in that time, and whether that is all of it. known: what the server answered of
 * that time, where it was asked. */
export function occurrencesOf(attributes, from_s, to_s, known = null) {
    if (known) return { isWhole: known.to >= to_s, all: known.occurrences.map(({ start, end }) => ({ from_s: start, to_s: end ?? Infinity })) };
    const schedule = attributes.schedule ?? {}, zone = zoneOf(attributes);
    const rules = schedule.recurrences ?? [], found = rules.map((one) => occurrencesOfRule(one, attributes, zone, from_s, to_s));
    const all = found.flatMap((some) => some ?? []), isWhole = !found.includes(null);
    const said = rules.length === 0 ? schedule : isWhole ? null : schedule.current_downtime;
    if (said?.start || rules.length === 0) all.push({ from_s: secondsIn(said?.start, secondsIn(attributes.created, 0)), to_s: secondsIn(said?.end, Infinity) });
    return { isWhole, all: all.filter((one) => one.from_s < to_s && one.to_s > from_s) };
}

/* ---- in words ---------------------------------------------------------- */

/* "Mon to Fri", "Sat, Sun" */
function daysText(days) {
    const sorted = [...days].sort((a, b) => a - b), isRow = sorted.length > 2 && sorted.every((one, i) => one === sorted[0] + i);
    return isRow ? `${WEEKDAYS[sorted[0]]} to ${WEEKDAYS[sorted.at(-1)]}` : sorted.map((one) => WEEKDAYS[one]).join(", ");
}

function ruleText(recurrence, attributes, zone) {
    const rule = readRule(recurrence.rrule), current = attributes.schedule.current_downtime?.start;
    const start_s = recurrence.start ? wallIn(recurrence.start) : current ? wallOf(zone, Date.parse(current) / 1000) : null;
    if (!rule || start_s === null || rule.freq === "MONTHLY") return `${recurrence.rrule}, for ${recurrence.duration}`;
    const days = rule.freq === "DAILY" && !rule.days ? "every day" : daysText(rule.days ?? [weekdayOf(dayOf(start_s))]);
    const every = rule.interval > 1 ? `, every ${rule.interval} ${rule.freq === "DAILY" ? "days" : "weeks"}` : "";
    const { days: n, seconds } = readDuration(recurrence.duration);
    const long = n === 0 && seconds < DAY_S ? `to ${timeText(start_s + seconds)}` : `for ${recurrence.duration}`;
    return `${days} from ${timeText(start_s)} ${long}${every}${rule.until || rule.count < Infinity ? ", until its end" : ""}`;
}

export function scheduleText(attributes) {
    const schedule = attributes.schedule ?? {}, zone = zoneOf(attributes);
    if (schedule.recurrences?.length > 0) return `${schedule.recurrences.map((one) => ruleText(one, attributes, zone)).join("; ")} (${zone})`;
    const [from, to] = [schedule.start, schedule.end].map((text) => (text ? Date.parse(text) : null));
    const text = (ms) => `${day(ms)} ${clock(ms).slice(0, 5)}`;
    return `${from === null ? "from its beginning on" : `from ${text(from)}`} ${to === null ? "without an end" : `to ${text(to)}`}`;
}
