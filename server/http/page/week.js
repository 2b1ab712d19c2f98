/* page/week.js: a week in seven columns, from midnight to midnight, with blocks in it.
 *
 *   week.update({ monday_s, zone, blocks: [{ from_s, to_s, label, href, tone }] })
 *
 * monday_s is a wall-clock time of the zone, from_s and to_s are moments (page/schedule.js). What lies beside each
 * other at the same time shares the width of its column. */

import { make } from "./dom.js";
import { DAY_S, dateText, timeText, wallOf, WEEKDAYS } from "./schedule.js";

const HOURS = [0, 3, 6, 9, 12, 15, 18, 21], LANES_MAX = 6;

/* "Mon 19:00" */
function momentText(wall_s) {
    return `${WEEKDAYS[(Math.floor(wall_s / DAY_S) + 3) % 7]} ${timeText(wall_s)}`;
}

/* What of a block lies on a day, in shares of it. */
function pieceOf(block, day_s) {
    const from = Math.max(0, (block.from - day_s) / DAY_S), to = Math.min(1, (block.to - day_s) / DAY_S);
    return from < to ? [{ ...block, top: from, bottom: to }] : [];
}

/* A lane for each, so that none covers another. */
function inLanes(pieces) {
    const ends = [];
    for (const piece of pieces.sort((a, b) => a.top - b.top || a.bottom - b.bottom)) {
        let lane = ends.findIndex((end) => end <= piece.top);
        if (lane < 0) lane = ends.length < LANES_MAX ? ends.length : LANES_MAX - 1;
        ends[lane] = piece.bottom;
        piece.lane = lane;
    }
    return { pieces, lanes: Math.max(1, ends.length) };
}

function makePiece(piece, lanes, day_s) {
    const [from, to] = [piece.top, piece.bottom].map((share) => (share === 1 ? "24:00" : timeText(day_s + share * DAY_S)));
    const whole = `${piece.label}: ${piece.fromText} to ${piece.toText}`;
    const node = make("a", { class: `block ${piece.tone ?? ""}`, href: piece.href, title: whole },
        make("b", null, `${from}–${to}`), " ", make("bdi", null, piece.label));
    Object.assign(node.style, { top: `${piece.top * 100}%`, height: `${(piece.bottom - piece.top) * 100}%`,
        left: `${(piece.lane / lanes) * 100}%`, width: `${100 / lanes}%` });
    return node;
}

function makeDay(day_s, blocks, isToday) {
    const { pieces, lanes } = inLanes(blocks.flatMap((block) => pieceOf(block, day_s)));
    return make("div", { class: "day" }, make("h3", { class: isToday ? "today" : "" }, `${momentText(day_s).slice(0, 3)} ${dateText(day_s).slice(5)}`),
        make("div", { class: "day-body" }, pieces.map((piece) => makePiece(piece, lanes, day_s))));
}

function makeHours() {
    return make("div", { class: "hours", "aria-hidden": "true" }, HOURS.map((hour) => {
        const node = make("span", null, `${String(hour).padStart(2, "0")}:00`);
        node.style.top = `${(hour / 24) * 100}%`;
        return node;
    }));
}

export function makeWeek() {
    const days = make("div", { class: "week" });
    const node = make("div", { class: "scroll", role: "region", "aria-label": "The week", tabindex: 0 }, days);

    let shown = "";

    /* Anew when it is another one, so that what is focused stays so. */
    function update({ monday_s, zone, blocks, now_s }) {
        const now = JSON.stringify([monday_s, zone, blocks, dateText(wallOf(zone, now_s))]);
        if (now === shown) return;
        shown = now;
        const walls = blocks.map((block) => {
            const from = wallOf(zone, block.from_s), to = block.to_s === Infinity ? Infinity : wallOf(zone, block.to_s);
            return { ...block, from, to, fromText: momentText(from), toText: to === Infinity ? "no end" : momentText(to) };
        });
        const today = dateText(wallOf(zone, now_s));
        days.replaceChildren(makeHours(), ...WEEKDAYS.map((_, i) => {
            const day_s = monday_s + i * DAY_S;
            return makeDay(day_s, walls, dateText(day_s) === today);
        }));
    }
    return { node, update };
}
