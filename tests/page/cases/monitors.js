/* page/cases/monitors.js: monitors, as scripts make them and as they are written in the page. */

import { createServer } from "node:http";
import { once } from "node:events";
import { post } from "./boards.js";
import { ESCAPES, isText, MARKUP, SHOWN } from "./strangers.js";
import { holds, same, withPage } from "./with.js";
import { until } from "../server.js";

/* The monitor of the exercise, whose message asks for one thing that there is not. */
export const MONITOR = { type: "query alert", name: "my_metric is high", query: "avg(last_5m):avg:my_metric{*} by {host} > 800",
    message: "{{#is_alert}}my_metric is {{value}} on {{host.name}} ({{host.ip}}){{/is_alert}} {{nonsense}} @someone@example.org",
    tags: ["team:web"], options: { thresholds: { critical: 800, warning: 500 }, notify_no_data: true, no_data_timeframe: 10 } };

/* Half an hour of the past, in phases of ten minutes: 400, 600 and 900. */
function phases(now_s) {
    const points = Array.from({ length: 30 }, (_, i) => [now_s - 1800 + 60 * i, [400, 600, 900][Math.floor(i / 10)]]);
    return { series: [{ metric: "my_metric", type: "gauge", points, host: "web-1" }] };
}

async function withMonitor({ server }, more = {}) {
    await post(server, "/api/v1/series", phases(Math.floor(Date.now() / 1000)));
    await server.intervals(1);
    return post(server, "/api/v1/monitor", { ...MONITOR, ...more });
}

/* How many dots of a chart have the colours of its line, of what is critical and of a warning. */
async function dotsOf(page) {
    return page.locator(".evaluated canvas").first().evaluate((node) => {
        const { data } = node.getContext("2d").getImageData(0, 0, node.width, node.height);
        const seen = { line: 0, critical: 0, warning: 0 };
        for (let i = 0; i < data.length; i += 4) {
            const [r, g, b, a] = data.subarray(i, i + 4);
            if (a < 100) continue; /* a line may stand between two rows of dots */
            if (b > 140 && r < 60) seen.line++;
            if (r > 150 && g < 90 && b < 90) seen.critical++;
            if (r > 110 && g > 60 && g < 110 && b < 30) seen.warning++;
        }
        return seen;
    });
}

async function drawsIt(given) {
    const { server, tab, page } = given;
    tab.expect(/Multiple readback operations/); /* of the drawing, to look at its dots */
    await withMonitor(given);
    await tab.show(server.address("/#/monitors"));
    await tab.sees("query alert", "table");
    await page.getByRole("link", { name: "my_metric is high" }).click();
    await tab.sees("my_metric is high", "h1");
    await until("the line and its thresholds are drawn", async () => {
        const { line, critical, warning } = await dotsOf(page);
        return line > 50 && critical > 200 && warning > 200;
    });
    await tab.sees("{{nonsense}}", ".message-text mark");
    same("what is unknown", await page.locator(".message-text mark").count(), 1);
    const said = await page.locator("svg.states").first().getAttribute("aria-label");
    holds(`the line has all three states: ${said}`, /^host:web-1: Alert \d+ min, Warn \d+ min, .*OK \d+ min$/.test(said));
}

/* ---- what is written --------------------------------------------------- */

async function isChanged(given) {
    const { server, tab, page } = given;
    tab.expect(/status of 400/);
    const { id } = await withMonitor(given, { options: { ...MONITOR.options, renotify_interval: 30 } });
    const stored = async () => (await fetch(server.address(`/api/v1/monitor/${id}`))).json();

    await tab.show(server.address(`/#/monitor?id=${id}`));
    await page.locator("summary", { hasText: "Change it" }).click();
    await page.getByLabel("Critical", { exact: true }).fill("850");
    await page.getByRole("combobox", { name: "Window" }).selectOption("10m");
    const area = page.getByLabel("Definition, as JSON");
    same("the query in the JSON", JSON.parse(await area.inputValue()).query, "avg(last_10m):avg:my_metric{*} by {host} > 850");
    await page.getByRole("button", { name: "Save" }).click();
    await tab.sees("Saved.", ".editor");
    await tab.sees("last_10m", "main");
    same("what is kept", (await stored()).options.thresholds, { critical: 850, warning: 500 });

    const written = JSON.parse(await area.inputValue());
    delete written.options.renotify_interval;
    written.query = written.query.replace("> 850", "> 200");
    await area.fill(JSON.stringify(written));
    await page.getByRole("button", { name: "Save" }).click();
    await tab.sees("Not saved: Alert threshold (850.0) does not match that used in the query (200.0).", ".editor");
    written.query = written.query.replace("> 200", "> 850");
    await area.fill(JSON.stringify(written));
    await page.getByRole("button", { name: "Save" }).click();
    await tab.sees("Saved.", ".editor");
    await until("what was taken out is gone", async () => (await stored()).options.renotify_interval == null);
}

async function isMade({ server, tab, page }) {
    tab.expect(/status of 400/); /* whoever types on slowly is told what is wrong with the half of a query */
    await post(server, "/api/v1/series", phases(Math.floor(Date.now() / 1000)));
    await server.intervals(1);
    await tab.show(server.address("/#/monitors"));
    await tab.sees("There is none yet", "main");
    await page.locator("summary", { hasText: "New monitor" }).click();
    await page.getByLabel("Name").fill("made here");
    const query = page.getByLabel("Query");
    await query.fill("min(last_15m):avg:my_metric{*} by {host} < 3");
    await query.blur();
    same("all of a query is taken apart", [await query.inputValue(), ...await Promise.all(["Looked at", "Window", "Alert when", "Critical"].map((label) => page.getByLabel(label).inputValue()))],
        ["avg:my_metric{*} by {host}", "min", "15m", "<", "3"]);
    await page.getByLabel("Looked at").selectOption("avg");
    await page.getByLabel("Window").selectOption("5m");
    await page.getByLabel("Alert when").selectOption(">");
    await query.fill("max:my_metric{*}");
    await page.getByLabel("Critical", { exact: true }).fill("700");
    await until("the preview has an alert", async () => /Alert \d+ min/.test(await page.locator(".state-lines").innerText().catch(() => "")));
    await page.getByRole("button", { name: "Save" }).click();
    await tab.sees("made here", "h1");
    const [made] = await (await fetch(server.address("/api/v1/monitor"))).json();
    same("its query", made.query, "avg(last_5m):max:my_metric{*} > 700");
    await page.locator("summary", { hasText: "Change it" }).click();
    await page.getByRole("button", { name: "Delete this monitor" }).click();
    await page.getByRole("button", { name: "Delete it for good" }).click();
    await tab.sees("There is none yet", "main");
}

async function isMuted(given) {
    const { server, tab, page } = given;
    const { id } = await withMonitor(given);
    const silenced = async () => (await (await fetch(server.address(`/api/v1/monitor/${id}`))).json()).options.silenced;
    await tab.show(server.address(`/#/monitor?id=${id}`));
    await page.getByLabel("How long").selectOption("for a day");
    await page.getByRole("button", { name: "Mute", exact: true }).click();
    await tab.sees("It is muted.", ".tools");
    const end_s = (await silenced())["*"] - Date.now() / 1000;
    holds(`until tomorrow: ${end_s}`, end_s > 86000 && end_s <= 86401);
    await tab.turnTo("#/monitors?q=muted:true");
    await tab.sees(", muted", "table");
    await tab.turnTo(`#/monitor?id=${id}`);
    await page.getByRole("button", { name: "Unmute" }).click();
    await tab.sees("It is heard again.", ".tools");
    same("silenced", await silenced(), {});
}

/* A receiver that answers what nobody wants to see as markup. */
async function withReceiver(run) {
    const receiver = createServer((request, answer) => {
        request.resume();
        request.on("end", () => answer.end(`taken ${MARKUP}`));
    }).listen(0, "127.0.0.1");
    await once(receiver, "listening");
    try {
        const webhooks = [{ name: "hook", url: `http://127.0.0.1:${receiver.address().port}/` }];
        await run({ settings: { heeler_webhooks: JSON.stringify(webhooks) } });
    } finally {
        receiver.closeAllConnections?.();
        receiver.close();
    }
}

/* What is defined is taken up each second; before that it is said that it is not. */
async function isTried(given) {
    const { server, tab, page } = given;
    tab.expect(/status of 409/);
    const { id } = await withMonitor(given, { message: "@webhook-hook @webhook-nobody" });
    await tab.show(server.address(`/#/monitor?id=${id}`));
    await tab.sees("my_metric is high", "h1");
    await until("a test is on its way", async () => {
        const [answer] = await Promise.all([page.waitForResponse(/\/test$/), page.getByRole("button", { name: "Send a test" }).click()]);
        return answer.status() === 202;
    });
    await tab.sees(`HTTP 200: taken ${MARKUP}`, "table");
    await tab.sees("[TEST]", "table");
    await tab.sees("refused", "table");
    await isText(page);
}

/* ---- strangers --------------------------------------------------------- */

async function areText(given) {
    const { server, tab, page } = given;
    const message = `${MARKUP}\n[x](javascript:alert(1)) {{${MARKUP}}} ${ESCAPES} @${MARKUP}`;
    const { id } = await withMonitor(given, { name: MARKUP, message, tags: [MARKUP, ESCAPES], query: `avg(last_5m):avg:my_metric{*} by {host} > 800` });
    await post(server, "/api/v2/downtime", { data: { type: "downtime", attributes: { monitor_identifier: { monitor_id: id }, scope: "*",
        message: MARKUP, schedule: { start: null, end: null } } } });
    await tab.show(server.address("/#/monitors"));
    await tab.sees(MARKUP, "table th");
    await tab.sees(SHOWN, ".tags");
    await isText(page);
    await page.getByRole("row").getByRole("link", { name: MARKUP }).first().click();
    await tab.sees(MARKUP, "h1");
    await tab.sees(SHOWN, ".message-text");
    await tab.sees(`{{${MARKUP}}}`, "mark");
    await page.locator("summary", { hasText: "Change it" }).click();
    await isText(page);
    same("links to scripts", await page.locator("a[href^='javascript' i]").count(), 0);
    await tab.turnTo("#/downtimes");
    await tab.sees(MARKUP, ".week");
    await tab.sees(MARKUP, "table");
    await isText(page);
}

/* ---- pure functions ---------------------------------------------------- */

async function evaluates({ server, tab, page }) {
    await tab.show(server.address());
    const found = await page.evaluate(async () => {
        const { readCondition, scopeTagsOf, statesOf, writeCondition } = await import("/page/condition.js");
        const series = (values, more = {}) => ({ label: "a", one: { interval: 60, pointlist: values.map((v, i) => [60000 * i, v]), ...more } });
        const states = (values, query, options = {}) => statesOf([series(values)], readCondition(query), { query, options }, { from_s: 0, to_s: 60 * values.length, step_s: 60 })[0].states
            .map((state) => state[0]).join("");
        const queries = ["avg(last_5m):avg:a{*} > 800", "pct_change(max(last_1h),last_30m):avg:a{x:y} by {host} <= -5.5", "sum(last_1d):sum:a{*}.as_count() / sum:b{*}.as_count() >= 0.5"];
        const bounds = (v) => ({ pointlist: Array.from({ length: 6 }, (_, i) => [60000 * i, v]) });
        const band = { ...series([5, 5, 15, 15, 15, 15]), lower: bounds(0), upper: bounds(10) };
        const anomalies = "avg(last_1h):anomalies(avg:a{*}, 'basic', 2, alert_window='last_2m') >= 1";
        const scoped = ["avg(last_5m):avg:a{host:a,env:*} by {host} > 1", "avg(last_5m):avg:a{host:a AND env:b} / avg:b{env:b} > 1", "avg(last_5m):avg:a{!host:a} > 1",
            "\"db\".over(\"host:a\",\"*\").by(\"role\").last(2).count_by_status()", "1 && 2"];
        return {
            asked: scoped.map(scopeTagsOf),
            written: queries.map((query) => writeCondition(readCondition(query)) === query),
            none: ["1 && 2", "\"a\".over(\"*\").last(2).count_by_status()", "", "avg(last_5m,last_1h):avg:a{*} > 1"].map(readCondition),
            simple: states([1, 6, 9, 6, 1], "avg(last_1m):avg:a{*} > 8", { thresholds: { critical: 8, warning: 5 } }),
            recovery: states([1, 9, 7, 7, 5, 1], "avg(last_1m):avg:a{*} > 8", { thresholds: { critical: 8, critical_recovery: 6 } }),
            silent: states([9, null, null, null, 1], "avg(last_1m):avg:a{*} > 8", { no_data_timeframe: 2 }),
            change: states([1, 1, 9, 9], "change(avg(last_1m),last_1m):avg:a{*} > 5"),
            anomalies: statesOf([band], readCondition(anomalies), { query: anomalies, options: {} }, { from_s: 0, to_s: 360, step_s: 60 })[0].states.map((state) => state[0]).join(""),
        };
    });
    same("as they were", found.written, [true, true, true]);
    same("what all have that they look at", found.asked, [["host:a"], ["env:b"], [], ["host:a"], []]);
    same("of another kind", found.none, [null, null, null, null]);
    same("by thresholds", found.simple, "OWAWO");
    same("with a threshold to recover by", found.recovery, "OAAAOO");
    same("without points", found.silent, "AANNO");
    same("of a change", found.change, "NOAO");
    same("outside of a band", found.anomalies, "OOOAAA");
}

export const monitors = [
    ["a monitor made by the API is drawn with its thresholds and its states", (given) => withPage(given, drawsIt)],
    ["a monitor is changed by its form and its JSON, and what is wrong is said", (given) => withPage(given, isChanged)],
    ["a monitor is made with a look at the past", (given) => withPage(given, isMade)],
    ["a monitor is muted for a day and heard again", (given) => withPage(given, isMuted)],
    ["a test of a monitor is sent, and what its receiver said is shown", (given) => withReceiver((more) => withPage(given, isTried, more))],
    ["monitors and downtimes of markup are text", (given) => withPage(given, areText)],
    ["the page reads conditions and works out states", (given) => withPage(given, evaluates)],
];
