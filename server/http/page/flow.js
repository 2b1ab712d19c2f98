/* page/flow.js: the ledger as a picture.
 *
 *   received ═══╗ parsed ═══╗ folded ═══╗ encoded ═══╗ delivered ═══►
 *               ╚ dropped   ╚ rejected  ╚ shed       ╚ dropped   ╚ refused, shed
 *
 * One band runs through five stages. What falls out of a stage bends down to the list of its
 * reasons, as thick as its share of all that came to the stage; what is lost is never thinner
 * than can be seen. The list is the same in words, so the drawing is hidden from readers of
 * the screen. */

import { make, makeSvg, setText } from "./dom.js";
import { count, percent, rate } from "./format.js";

const HEIGHT = 68, BAND = 32, TOP = 6, SEEN = 2;

function words(reason) {
    return reason.replaceAll("_", " ");
}

function reasonsOf(by_reason, prefix) {
    return Object.entries(by_reason).map(([reason, n]) => ({ name: words(reason), n, key: `${prefix}.${reason}` }));
}

/* What the ledger says, stage by stage. total: what left it; lost: what did not. */
function stagesOf(status) {
    const { received, parsed, folded, encoded, delivered } = status.ledger;
    const now = status.rates?.now ?? {};
    const sent = delivered.points + delivered.discarded_local;

    return [
        { title: "Received", unit: "datagrams", total: received.datagrams, now: now.datagrams,
            lost: received.dropped_by_kernel, reasons: [
                { name: "dropped by the kernel", n: received.dropped_by_kernel, key: "kernel" },
                { name: "cut, too long", n: received.truncated, key: "cut" }] },
        { title: "Parsed", unit: "lines", total: parsed.lines, now: (now.lines ?? 0) - (now.lines_rejected ?? 0),
            lost: parsed.rejected + parsed.records_shed, reasons: [
                ...reasonsOf(parsed.rejected_by_reason, "rejected"),
                { name: "events and checks shed", n: parsed.records_shed, key: "records" }] },
        { title: "Folded", unit: "values", total: folded.values, now: now.values_folded, lost: folded.shed,
            reasons: reasonsOf(folded.shed_by_reason, "shed"),
            waiting: [["in flight until the interval ends", folded.in_flight]] },
        { title: "Encoded", unit: "points", total: encoded.points, now: now.points_encoded, lost: encoded.dropped,
            reasons: reasonsOf(encoded.dropped_by_reason, "dropped") },
        { title: "Delivered", unit: "points", total: sent, now: now.points_delivered,
            lost: delivered.refused + delivered.shed, local: status.local, reasons: [
                { name: "refused by the intake", n: delivered.refused, key: "refused" },
                { name: "given up unsent", n: delivered.shed, key: "unsent" }],
            waiting: [["queued", delivered.queued], ["spooled on disk", delivered.spooled]] },
    ];
}

/* ---- the drawing ------------------------------------------------------- */

/* The band enters with a thickness and leaves with what is left of it. */
function draw(svg, width, stage, thick, isLast) {
    const came = stage.total + stage.lost;
    const fell = stage.lost > 0 && came > 0 ? Math.max(SEEN, (thick * stage.lost) / came) : 0;
    const left = stage.total > 0 || came === 0 ? Math.max(thick - fell, SEEN) : 0;
    const bottom = TOP + thick, bend = Math.min(width * 0.45, 120);
    const end = isLast ? width - 12 : width + 1; /* no seam before the next */
    const parts = [makeSvg("path", { class: came > 0 ? "band" : "band idle", d: isLast
        ? `M0 ${TOP}H${end}L${width} ${TOP + left / 2}L${end} ${TOP + left}H0Z` : `M0 ${TOP}H${end}V${TOP + left}H0Z` })];

    if (fell > 0) {
        const x = bend * 0.55, round = Math.min(14, HEIGHT - bottom - 4);
        parts.push(makeSvg("path", { class: "fell", d:
            `M0 ${bottom - fell}H${x}Q${x + fell + round} ${bottom - fell} ${x + fell + round} ${bottom + round}V${HEIGHT}` +
            `H${x + round}V${bottom + round}Q${x + round} ${bottom} ${x} ${bottom}H0Z` }));
    }
    svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    svg.replaceChildren(...parts);
    return left;
}

/* ---- one stage --------------------------------------------------------- */

function makeStage() {
    const title = make("h3");
    const now = make("b");
    const unit = make("span", { class: "muted" });
    const total = make("p", { class: "muted" });
    const svg = makeSvg("svg", { class: "segment", height: HEIGHT, "aria-hidden": "true", focusable: "false" });
    const lost = make("ul", { class: "lost" });
    const node = make("li", { class: "stage" }, title, make("p", { class: "big" }, now, unit), total, svg, lost);

    function update(stage, lately) {
        const fell = stage.reasons.filter((reason) => reason.n > 0).sort((a, b) => b.n - a.n);
        setText(title, stage.title);
        setText(now, rate(stage.now ?? 0));
        setText(unit, ` ${stage.unit}`);
        setText(total, stage.local ? `${count(stage.total)} made, none sent` : `${count(stage.total)} in all`);
        lost.replaceChildren(
            ...fell.map((reason) => makeReason(reason, stage, lately)),
            ...(fell.length === 0 ? [make("li", { class: "muted" }, "nothing lost")] : []),
            ...(stage.waiting ?? []).filter(([, n]) => n > 0)
                .map(([name, n]) => make("li", { class: "muted" }, `${count(n)} ${name}`)));
    }
    return { node, svg, update };
}

function makeReason(reason, stage, lately) {
    const perSecond = lately(reason.key);
    return make("li", null, make("b", { class: "bad-text" }, count(reason.n)), ` ${reason.name}`,
        make("span", { class: "muted" }, `${percent(reason.n / (stage.total + stage.lost || 1))}`,
            perSecond > 0 ? `, ${rate(perSecond)} now` : ""));
}

/* ---- all of it --------------------------------------------------------- */

const LATELY_MS = 10000;

/* How fast each reason grew over the last ten seconds, by what was seen of it. */
function makeLately() {
    let seen = [];

    function look(now_ms, stages) {
        const counts = new Map(stages.flatMap((stage) => stage.reasons.map((reason) => [reason.key, reason.n])));
        seen = seen.filter((one) => one.now_ms <= now_ms && now_ms - one.now_ms <= LATELY_MS);
        seen.push({ now_ms, counts });
    }
    function perSecond(key) {
        const first = seen[0], last = seen.at(-1);
        const grown = (last.counts.get(key) ?? 0) - (first.counts.get(key) ?? 0);
        return last.now_ms > first.now_ms && grown > 0 ? (grown * 1000) / (last.now_ms - first.now_ms) : 0;
    }
    return { look, perSecond };
}

export function makeFlow(signal) {
    const stages = Array.from({ length: 5 }, makeStage);
    const node = make("ol", { class: "flow" }, stages.map((stage) => stage.node));
    const lately = makeLately();
    let last = null;

    function drawAll() {
        let thick = BAND;
        last?.forEach((stage, i) => {
            thick = draw(stages[i].svg, Math.max(stages[i].svg.clientWidth, 60), stage, thick, i === 4);
        });
    }

    const resized = new ResizeObserver(drawAll);
    resized.observe(node);
    signal.addEventListener("abort", () => resized.disconnect());

    return { node, update(status) {
        last = stagesOf(status);
        lately.look(status.now_ms, last);
        last.forEach((stage, i) => stages[i].update(stage, lately.perSecond));
        drawAll();
    } };
}
