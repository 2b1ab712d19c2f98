/* page/host.js: one host: its tags, and its metrics with what they were lately.
 *
 *   #/host?name=web-1&sort=values&page=2 */

import { canBeAsked, questionFor } from "./answer.js";
import { ask, isAbort, pulse, repeat } from "./api.js";
import { sparkPath } from "./chart.js";
import { make, makeAgo, makeChoice, makeNotice, makeSection, makeSvg, setText, foreign } from "./dom.js";
import { duration, many, visible } from "./format.js";
import { makeState, makeTags } from "./hosts.js";
import { makePager } from "./pager.js";
import { address, remember } from "./router.js";
import { makeUnit } from "./unit.js";

const PAGE = 60, UP_S = 300;

/* ---- a small chart ----------------------------------------------------- */

/* The metric alone, where a question can be about this host; else the metric. */
function addressOf(metric, host) {
    return canBeAsked(metric.name) && canBeAsked(host)
        ? address("query", { q: questionFor(metric.name, metric.type, "", `host:${host}`) }) : address("metric", { name: metric.name });
}

function makeCard() {
    const name = make("a"), last = make("b"), kind = make("span", { class: "muted" }), range = make("span", { class: "muted" });
    const path = makeSvg("path");
    const chart = make("a", { class: "small-chart" }, makeSvg("svg", { class: "spark", viewBox: "0 0 96 24", preserveAspectRatio: "none",
        "aria-hidden": "true", focusable: "false" }, path));
    const node = make("li", { class: "panel" }, make("div", { class: "card-head" }, make("h3", null, name), last), chart,
        make("p", { class: "card-foot" }, kind, range));

    function update(metric, host) {
        const unit = makeUnit(metric.unit, metric.per_unit), known = metric.spark.filter((v) => v != null);
        setText(name, visible(metric.name));
        name.title = name.textContent;
        name.setAttribute("href", address("metric", { name: metric.name }));
        setText(last, unit.text(metric.last));
        setText(kind, `${metric.type === "count" ? "count, per second" : metric.type}${metric.series > 1 ? `, ${many(metric.series, "series", "series")}` : ""}`);
        setText(range, known.length > 0 ? `${unit.text(Math.min(...known))} to ${unit.text(Math.max(...known))}` : "nothing lately");
        path.setAttribute("d", sparkPath(metric.spark));
        chart.setAttribute("href", addressOf(metric, host));
        chart.setAttribute("aria-label", `${visible(metric.name)} of ${visible(host)} as a chart; last ${unit.text(metric.last)}`);
    }
    return { node, update };
}

function makeCards() {
    const node = make("ul", { class: "small-charts" }), cards = [];

    return { node, update(metrics, host) {
        while (cards.length < metrics.length) cards.push(makeCard());
        metrics.forEach((metric, i) => cards[i].update(metric, host));
        if (node.children.length !== metrics.length) node.replaceChildren(...cards.slice(0, metrics.length).map((card) => card.node));
    } };
}

/* ---- the view ---------------------------------------------------------- */

export function openHost(place, parameters, signal) {
    const name = parameters.name ?? "";
    let sort = parameters.sort === "values" ? "values" : "name", page = Math.max(1, Number(parameters.page) || 1);
    const facts = make("p", { class: "facts muted" }, "Asking the server …");
    const tags = make("div");
    const cards = makeCards();
    const order = makeChoice("Order", [["name", "By name"], ["values", "Most values first"]], sort, (chosen) => {
        sort = chosen;
        turnTo(1);
    });
    const pager = makePager(PAGE, (step) => {
        turnTo(page + step);
        scrollTo(0, 0);
    });
    const notice = makeNotice("");
    const metrics = makeSection("Metrics", order.node, notice, cards.node, pager.node);
    let shownTags = null;

    metrics.hidden = notice.hidden = true;
    place.append(make("p", { class: "crumb" }, make("a", { href: address("hosts") }, "Hosts")), make("h1", null, foreign(name)), facts, tags, metrics);

    function turnTo(next) {
        page = next;
        remember("host", { name, sort: sort === "name" ? "" : sort, page: page === 1 ? "" : page });
        again();
    }

    function show(said) {
        if (said.metrics.length === 0 && page > 1) {
            turnTo(1);
            return;
        }
        const isUp = said.until_s - said.interval_s - said.last_s < UP_S; /* as the list of hosts says it */
        facts.replaceChildren(make("span", null, makeState(isUp), ", last seen ", makeAgo(said.last_s * 1000, pulse.now_s() * 1000)),
            make("span", null, many(said.total, "metric")), make("span", null, `what they were in the last ${duration(30 * said.interval_s)}`));
        metrics.hidden = false;
        notice.hidden = true;
        cards.update(said.metrics, name);
        pager.update(page, said.metrics.length, said.total);
    }

    function showTags(list) {
        const now = list.join(",");
        if (now === shownTags) return;
        shownTags = now;
        tags.replaceChildren(list.length > 0 ? makeTags([...list].sort()) : make("p", { class: "muted" }, "No tag is on all of its series."));
    }

    async function turn() {
        try {
            show(await ask("/api/v1/catalogue/host", { name, sort, limit: PAGE, offset: (page - 1) * PAGE }, signal));
            showTags((await ask(`/api/v1/tags/hosts/${encodeURIComponent(name)}`, {}, signal)).tags);
        } catch (problem) {
            if (isAbort(problem) || pulse.goneSince !== 0) return;
            const words = problem.status === 404 ? "No series of this host is known now." : `No answer: ${visible(problem.message)}. It is asked again.`;
            if (metrics.hidden) setText(facts, words);
            notice.hidden = metrics.hidden;
            setText(notice, words);
        }
    }

    const again = repeat(turn, () => Math.min(10, pulse.status?.interval_s ?? 5) * 1000, signal);
    return { title: visible(name) };
}
