/* page/cases/looks.js: no barrier that a program can find, and nothing that is wider than the
 * screen, on any view: light and dark, wide and on a phone. */

import { PHONE, Tab, WIDE } from "../browser.js";
import { boardOf, post, WIDGETS } from "./boards.js";
import { REPORT } from "./checks.js";
import { downtimeOf } from "./downtimes.js";
import { MONITOR } from "./monitors.js";
import { holds, withPage } from "./with.js";

const VIEWS = [
    ["Now", "#/now", "From socket to intake"],
    ["Metrics", "#/metrics", "page.level"],
    ["one metric", "#/metric?name=page.level", "env:test"],
    ["Hosts", "#/hosts", "web-1"],
    ["one host", "#/host?name=web-1", "page.load"],
    ["the map of hosts", "#/hostmap?metric=page.load&by=role", "role:web"],
    ["Query", "#/query?q=avg:page.level{*} by {env}&range=15m", "env:test"],
    ["Query, before a question", "#/query", "For example"],
    ["Lines", "#/lines", "page.level"],
    ["Events", "#/events", "page.database"],
];

/* Some of everything that the views show, again and again, as lines are only seen live. */
function feed(server) {
    const lines = ["page.level:12.5|g|#env:test,region:north", "page.level:7.5|g|#env:live,region:north", "page.time:12|d|#env:test",
        "page.load:2048|g|#host:web-1,role:web", "page.load:9|g|#host:web-2,role:web", "page.load:90|g|#host:db-1,role:db", "page.idle:1|g|#host:quiet",
        `page.${"long.".repeat(30)}name:1|c|#key:${"value".repeat(30)}`, "page.bad:1|q", "page.bad",
        "_e{8,11}:deployed|version 4.2|t:error|#env:test", "_sc|page.database|2|#env:test|m:no answer", "_sc|page.cache|0"];
    const timer = setInterval(() => server.send(...lines).catch(() => clearInterval(timer)), 500);
    return () => clearInterval(timer);
}

async function lookAt(tab, name) {
    const wrong = [];
    for (const scheme of ["light", "dark"])
        for (const [width, size] of [["wide", WIDE], ["on a phone", PHONE]]) {
            await tab.look(scheme, size);
            const found = [...await tab.barriers(), ...(await tab.tooWide())];
            wrong.push(...found.map((one) => `${name}, ${scheme}, ${width}: ${one}`));
        }
    if (wrong.length > 0) throw new Error([...new Set(wrong)].join("\n"));
}

async function allViews({ server, tab }) {
    const stop = feed(server);
    try {
        await server.intervals(2);
        await tab.show(server.address());
        for (const [name, hash, words] of VIEWS) {
            await tab.look("light", WIDE);
            await tab.turnTo(hash);
            await tab.sees(words, "main");
            await lookAt(tab, name);
        }
    } finally {
        stop();
    }
}

async function board({ server, tab, page }) {
    const stop = feed(server);
    try {
        await server.intervals(2);
        const { id } = await post(server, "/api/v1/dashboard", { ...boardOf(...WIDGETS, { type: "event_stream", query: "" }, { type: "hostmap" },
            { type: "note", content: "# Head\n[link](https://example.org) and `code`\n- one" },
            { type: "group", title: "Inner", layout_type: "ordered", widgets: [{ definition: { type: "free_text", text: "inside" } }] }),
        template_variables: [{ name: "env", prefix: "env", default: "*" }] });
        await tab.show(server.address("/#/dashboards"));
        await tab.sees("A board", "table");
        await lookAt(tab, "Dashboards");
        await tab.turnTo(`#/dashboard?id=${id}`);
        await tab.sees("apples", ".value");
        await page.locator("summary", { hasText: "JSON" }).click();
        await lookAt(tab, "a dashboard");
    } finally {
        stop();
    }
}

async function monitors({ server, tab, page }) {
    const stop = feed(server);
    try {
        await server.intervals(2);
        const { id } = await post(server, "/api/v1/monitor", { ...MONITOR, query: "avg(last_5m):avg:page.level{*} by {env} > 800" });
        await post(server, "/api/v2/downtime", downtimeOf("Nights", { rrule: "FREQ=DAILY", duration: "14h", start: "2026-11-02T19:00:00" }));
        await tab.show(server.address("/#/monitors"));
        await tab.sees("my_metric is high", "table");
        await page.locator("summary", { hasText: "New monitor" }).click();
        await lookAt(tab, "Monitors");
        await tab.turnTo(`#/monitor?id=${id}`);
        await tab.sees("env:test", ".state-lines");
        await page.locator("summary", { hasText: "Change it" }).click();
        await lookAt(tab, "a monitor");
        await tab.turnTo("#/downtimes");
        await tab.sees("Nights", ".week");
        await page.getByRole("button", { name: "Edit Nights" }).click();
        await lookAt(tab, "Downtimes");
        await post(server, "/api/v1/checks/status", REPORT);
        await tab.turnTo("#/checks");
        await tab.sees("no such host", "table");
        await page.locator("summary", { hasText: "More" }).first().click();
        await lookAt(tab, "Checks");
    } finally {
        stop();
    }
}

async function empty({ server, tab }) {
    for (const hash of ["#/now", "#/metrics", "#/hosts", "#/hostmap", "#/query", "#/dashboards", "#/monitors", "#/downtimes", "#/checks", "#/lines", "#/events"]) {
        await tab.show(server.address(`/${hash}`));
        await tab.page.waitForLoadState("networkidle").catch(() => {});
        await lookAt(tab, `${hash}, empty`);
    }
}

async function fault({ server, tab, page }) {
    tab.expect(/status of 400/);
    await tab.show(server.address("/#/query?q=avg:page.level{"));
    await tab.sees(/^Column/, ".fault");
    await lookAt(tab, "a fault");
    await tab.look("light", PHONE);
    await page.getByLabel("Question").fill("a");
    await page.getByLabel("Question").press("End");
    await tab.isOffered("the mean");
    await lookAt(tab, "what may stand next");
}

async function login({ server, browser }) {
    const tab = await Tab.open(browser, `http://127.0.0.1:${server.open}`);
    try {
        tab.expect(/status of 401/);
        await tab.show(`http://127.0.0.1:${server.open}/`);
        await lookAt(tab, "the form for a key");
        tab.check();
    } finally {
        await tab.close();
    }
}

async function gone({ server, tab }) {
    tab.expect(/ERR_/);
    await tab.show(server.address());
    await tab.sees("From socket to intake");
    await server.kill();
    await tab.sees("The server does not answer", "#banner");
    await lookAt(tab, "the server is gone");
    holds("what was seen stays", (await tab.textOf("main")).includes("From socket to intake"));
}

export const looks = [
    ["no barrier on any view, light and dark, wide and on a phone", (given) => withPage(given, allViews)],
    ["no barrier on a dashboard", (given) => withPage(given, board)],
    ["no barrier on monitors, downtimes and checks", (given) => withPage(given, monitors)],
    ["no barrier where there is nothing yet", (given) => withPage(given, empty)],
    ["no barrier at a fault, nor in what is offered", (given) => withPage(given, fault)],
    ["no barrier while the server is gone", (given) => withPage(given, gone)],
    ["no barrier in the form for a key", (given) => withPage(given, login,
        { settings: { heeler_http_listen: "127.0.0.1:0 0.0.0.0:0", heeler_app_keys: "page-test-key-0001" } })],
];
