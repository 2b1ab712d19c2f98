/* page/cases/traces.js: traced services, one of them, and the spans of a trace over time. */

import { request } from "node:http";
import { until } from "../server.js";
import { PHONE, WIDE } from "../browser.js";
import { holds, same, withPage } from "./with.js";

const TRACED = { settings: { "apm_config.enabled": "true", "apm_config.receiver_port": "__random__", env: "test" } };
const HOSTILE = "<img src=x onerror=alert(1)>\u202eGET";

/* Numbers of 64 bits as they are: "@7" becomes 7. */
const bodyOf = (traces) => JSON.stringify(traces).replace(/"@(\d+)"/g, "$1");

export function sendTraces(server, traces) {
    return new Promise((done, failed) => {
        const one = request({ host: "127.0.0.1", port: server.traces, path: "/v0.4/traces", method: "PUT", headers: { "Content-Type": "application/json" } }, (answer) => {
            answer.resume();
            answer.on("end", () => (answer.statusCode === 200 ? done() : failed(new Error(`traces: ${answer.statusCode}`))));
        });
        one.on("error", failed);
        one.end(bodyOf(traces));
    });
}

/* A request of the shop that ended just now: ms long, with two calls of the database at once, and one
 * that failed if error is set. */
export function traceOf(id, resource, ms, error = 0) {
    const start = BigInt(Date.now() - ms) * 1000000n;
    const span = (at, parent, service, name, what, offset, length, more = {}) => ({ service, name, resource: what, type: "web", trace_id: `@${id}`,
        span_id: `@${id * 100 + at}`, parent_id: `@${parent === 0 ? 0 : id * 100 + parent}`, start: `@${start + BigInt(offset) * 1000000n}`,
        duration: length * 1000000, error: 0, meta: {}, metrics: {}, ...more });
    return [
        span(1, 0, "shop", "web.request", resource, 0, ms, { error, meta: { "span.kind": "server", "http.status_code": error ? "500" : "200",
            ...(error ? { "error.message": "no price", "error.stack": "TypeError: no price\n    at pay (shop.js:41)" } : {}) }, metrics: { process_id: 4711 } }),
        span(2, 1, "shop", "web.handler", "pay", 1, ms - 2),
        span(3, 2, "db", "sql.query", "SELECT 1", 2, Math.floor(ms / 2)),
        span(4, 2, "db", "sql.query", "SELECT a, b", 3, Math.floor(ms / 2), { error }),
        span(5, 4, "cache", "redis.command", HOSTILE, 4, 1),
    ];
}

async function sendShop(server) {
    await sendTraces(server, [traceOf(1, "GET /cart", 100), traceOf(2, "GET /cart", 300), traceOf(3, "GET /cart", 200, 1), traceOf(4, "POST /pay", 50)]);
}

async function leadToATrace({ server, tab, page }) {
    await sendShop(server);
    await tab.show(server.address("/"));
    await page.getByRole("link", { name: "Services" }).click();
    await tab.sees("shop", "tbody th"); /* when the spans are counted, some twenty seconds later */
    const rows = () => page.locator("main table tbody tr").evaluateAll((all) => all.map((row) => [...row.cells].slice(0, 4).map((cell) => cell.childNodes[0]?.textContent)));
    await until("all are counted", async () => (await rows()).length === 3 && (await rows()).some(([, , hits]) => hits === "8"));
    same("the services", (await rows()).sort(), [["cache", "redis.command", "4", "0 %"], ["db", "sql.query", "8", "13 %"], ["shop", "web.request", "4", "25 %"]]);
    await page.getByRole("link", { name: "shop", exact: true }).click();
    await tab.sees("GET /cart", "table");
    await until("its resources", async () => (await page.locator("main table").first().locator("tbody tr").count()) === 2);
    same("the resources", (await rows()).slice(0, 2).map((row) => row.slice(0, 4)), [["GET /cart", "web.request", "3", "33 %"], ["POST /pay", "web.request", "1", "0 %"]]);
    await page.getByRole("link", { name: "GET /cart" }).click();
    await tab.sees("GET /cart", "h1");
    const took = () => page.getByRole("region", { name: "Traces" }).locator("tbody tr").evaluateAll((all) => all.map((row) => row.cells[4].innerText));
    await until("its traces", async () => (await took()).join() === "300 ms,200 ms,100 ms");
    await page.getByRole("button", { name: "Failed" }).click();
    await until("those that failed", async () => (await took()).join() === "200 ms");
    holds("the address keeps it", page.url().includes("traces=failed"));
    await page.getByRole("region", { name: "Traces" }).getByRole("link").first().click();
    await tab.sees("no price", ".said");
    await tab.sees("at pay (shop.js:41)", ".said");
    await page.locator(".flame .span", { hasText: "SELECT a, b" }).click();
    await tab.turnTo("#/service?name=db&operation=sql.query&resource=SELECT a, b"); /* whose tag has no comma */
    await until("the numbers of a statement", async () => (await rows())[0]?.join() === "SELECT a_ b,sql.query,4,25 %");
    await until("and its traces", async () => (await took()).length === 4);
    await page.goBack();
    await tab.sees("no price", ".said");
    same("where it leads back to", await page.locator(".crumb a").allInnerTexts(), ["Services", "shop", "GET /cart"]);
}

/* Row and text of each span, as they are drawn. */
const drawn = (page) => page.locator(".flame .span").evaluateAll((all) => all.map((one) => [parseInt(one.style.top, 10) / 24, one.textContent, one.classList.contains("failed")]));

async function isAFlame({ server, tab, page }) {
    await sendTraces(server, [traceOf(3, "GET /cart", 200, 1)]);
    await tab.show(server.address("/#/trace?id=3"));
    await tab.sees("GET /cart", ".flame");
    same("each is below its caller, and what is at once stands below", await drawn(page), [[0, "✕ GET /cart 200 ms", true], [1, "pay 198 ms", false],
        [2, "SELECT 1 100 ms", false], [3, "✕ SELECT a, b 100 ms", true], [4, "<img src=x onerror=alert(1)>\\u202eGET 1 ms", false]]);
    const box = (name) => page.locator(".flame .span", { hasText: name }).boundingBox();
    const [all, half] = [await box("GET /cart"), await box("SELECT 1")];
    holds("half as long is half as wide", Math.abs(half.width / all.width - 0.5) < 0.01);
    same("three services, three colours", new Set(await page.locator(".flame .span").evaluateAll((spans) => spans.map((one) => getComputedStyle(one).color))).size, 3);
    await page.locator(".flame .span", { hasText: "SELECT 1" }).click();
    await tab.sees("sql.query", ".said");
    await tab.sees("50 % of the whole", ".said");
    await page.getByRole("button", { name: "This span alone" }).click();
    holds("it fills the width", (await box("SELECT 1")).width > all.width * 0.99);
    await page.getByRole("button", { name: "All of it" }).click();
    await until("all of it again", async () => Math.abs((await box("SELECT 1")).width - half.width) < 1);
}

async function byKeyboard({ server, tab, page }) {
    await sendTraces(server, [traceOf(3, "GET /cart", 200, 1)]);
    await tab.show(server.address("/#/trace?id=3"));
    await tab.sees("GET /cart", ".flame");
    same("one stop for all", await page.locator(".flame .span[tabindex='0']").count(), 1);
    await page.locator(".flame .span[tabindex='0']").focus();
    const focused = () => page.evaluate(() => document.activeElement.textContent);
    for (const [key, text] of [["ArrowDown", "pay"], ["ArrowDown", "SELECT 1"], ["ArrowRight", "SELECT a, b"], ["ArrowDown", "<img"], ["ArrowDown", "<img"], ["ArrowUp", "SELECT a, b"], ["ArrowLeft", "SELECT 1"]]) {
        await page.keyboard.press(key);
        holds(`${key} leads to ${text}, not to ${await focused()}`, (await focused()).includes(text));
    }
    await tab.sees("SELECT 1", ".panel h3");
}

/* Circles of callers, spans that are nobody's, and more than are drawn. */
async function strange({ server, tab, page }) {
    const start = `@${BigInt(Date.now() - 1000) * 1000000n}`;
    const span = (id, parent, duration) => ({ service: `s${id % 12}`, name: "work", resource: `r${id}`, trace_id: "@9", span_id: `@${id}`, parent_id: `@${parent}`, start, duration, error: id % 2, meta: {}, metrics: {} });
    await sendTraces(server, [[span(1, 2, 1000), span(2, 1, 900), span(3, 3, 800), span(4, 777, 700), span(4, 1, 600), span(5, 4, 0)]]);
    await tab.show(server.address("/#/trace?id=9"));
    await tab.sees("r1", ".flame");
    same("all are drawn", (await drawn(page)).length, 6);
    await sendTraces(server, [Array.from({ length: 3000 }, (_, i) => ({ ...span(i + 1, i % 50, 1000000 + i), trace_id: "@10" }))]);
    await tab.turnTo("#/trace?id=10");
    await tab.sees("The 1,000 longest of", "main");
    same("so many are drawn", (await drawn(page)).length, 1000);
}

async function lookAtAll({ server, tab, page }) {
    await sendShop(server);
    await tab.show(server.address("/#/services"));
    await tab.sees("shop", "tbody th");
    for (const [hash, words, within] of [["#/services", "shop", "tbody th"], ["#/service?name=shop", "GET /cart", "table"], ["#/service?name=shop&resource=GET /cart", "300 ms", "table"], ["#/trace?id=3", "no price", ".said"]]) {
        await tab.look("light", WIDE);
        await tab.turnTo(hash);
        await tab.sees(words, within);
        for (const scheme of ["light", "dark"])
            for (const size of [WIDE, PHONE]) {
                await tab.look(scheme, size);
                same(`${hash}, ${scheme}, ${size.width}`, [...await tab.barriers(), ...await tab.tooWide()], []);
                if (process.env.PICTURES) await page.screenshot({ path: `${process.env.PICTURES}/${hash.replace(/\W+/g, "-")}-${scheme}-${size.width}.png`, fullPage: true });
            }
    }
}

async function closed({ server, tab, page }) {
    await tab.show(server.address("/#/services"));
    await tab.sees("No traced service", "main");
    await tab.page.waitForLoadState("networkidle").catch(() => {});
    same("no link", await page.locator("[data-view=services]").isVisible(), false);
    await tab.turnTo("#/service?name=shop");
    await tab.sees("apm_config.enabled is not set", "main");
    await server.send("trace.web.request.hits:4|c|#service:shop,resource_name:GET /");
    await server.intervals(2);
    await page.reload();
    await page.locator("[data-view=services]").waitFor({ state: "visible" }); /* there is something to see */
}

export const traces = [
    ["services lead to their resources, and these to traces", (given) => withPage(given, leadToATrace, TRACED)],
    ["a trace is drawn as a flame, by time and by caller", (given) => withPage(given, isAFlame, TRACED)],
    ["arrows lead from span to span", (given) => withPage(given, byKeyboard, TRACED)],
    ["strange and large traces are drawn too", (given) => withPage(given, strange, TRACED)],
    ["no barrier on services and traces", (given) => withPage(given, lookAtAll, TRACED)],
    ["without traces there is no link to services", (given) => withPage(given, closed)],
];
