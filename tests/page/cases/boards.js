/* page/cases/boards.js: dashboards, as scripts and files make them. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ESCAPES, isText, MARKUP, SHOWN } from "./strangers.js";
import { holds, same, withPage } from "./with.js";
import { until } from "../server.js";

const TIMEBOARD = new URL("../../data/api/timeboard.json", import.meta.url);

/* What a client gets for a body; the object. */
export async function post(server, path, body) {
    const answer = await fetch(server.address(path), { method: "POST", body: typeof body === "string" ? body : JSON.stringify(body),
        headers: { "Content-Type": "application/json" } });
    const said = await answer.json();
    if (!answer.ok) throw new Error(`${path}: ${JSON.stringify(said)}`);
    return said;
}

export function boardOf(...definitions) {
    return { title: "A board", layout_type: "ordered", widgets: definitions.map((definition) => ({ definition })) };
}

async function showBoard({ server, tab }, ...definitions) {
    const { id } = await post(server, "/api/v1/dashboard", boardOf(...definitions));
    await tab.show(server.address(`/#/dashboard?id=${id}`));
    await tab.sees("A board", "h1");
    return id;
}

const panel = (page, name) => page.getByRole("article", { name, exact: true });

/* How many dots of a panel's chart are of the first colour, of a band, and of what is outside of one. */
async function dotsIn(page, name) {
    const canvas = panel(page, name).locator("canvas");
    if (await canvas.count() === 0) return { line: 0, band: 0, outside: 0 };
    return canvas.evaluate((node) => {
        const { data } = node.getContext("2d").getImageData(0, 0, node.width, node.height);
        const seen = { line: 0, band: 0, outside: 0 };
        for (let i = 0; i < data.length; i += 4) {
            const [r, g, b, a] = data.subarray(i, i + 4);
            if (a > 200 && b > 140 && r < 60) seen.line++;
            if (a > 30 && a < 90 && Math.abs(r - g) < 25 && Math.abs(g - b) < 25) seen.band++;
            if (a > 200 && r > 150 && g < 90 && b < 90) seen.outside++;
        }
        return seen;
    });
}

/* ---- the timeboard of the exercise ------------------------------------- */

/* The band needs half an hour of the past, so an hour of it is submitted: some noise, and at the end a jump. */
function pastOf(metric, now_s) {
    const points = Array.from({ length: 170 }, (_, i) => [now_s - 3480 + 20 * i, i < 160 ? 10 + (i * 7) % 3 : 30]);
    return { metric, type: "gauge", points, host: "page.example" };
}

async function drawsTheTimeboard({ server, tab, page }) {
    tab.expect(/Multiple readback operations/); /* of the drawing, to look at its dots */
    await post(server, "/api/v1/dash", readFileSync(TIMEBOARD, "utf8"));
    for (let i = 0; i < 3; i++) {
        await server.send(`AgentCheck.my_metric:${600 + i}|g`);
        await server.intervals(1);
    }
    await post(server, "/api/v1/series", { series: [pastOf("mysql.performance.user_time", Math.floor(Date.now() / 1000))] });
    await tab.show(server.address("/#/dashboards"));
    await page.getByRole("link", { name: "API Timeboard !" }).click();
    await tab.sees("let's have fun", "main");
    await until("the first graph is drawn", async () => (await dotsIn(page, "My custom metric")).line > 5);
    await until("the band is drawn", async () => {
        const { line, band, outside } = await dotsIn(page, "MySQL CPU time (per sec)");
        return line > 50 && band > 500 && outside > 5;
    });
    await panel(page, "MySQL CPU time (per sec)").getByText("As a table").click();
    await tab.sees(/user_time.*, outside$/, "th");
    await until("the sum is there", async () => /\d/.test(await panel(page, "Custom Metric Roll Up Summ Past Hour").locator(".value").innerText()));
}

/* ---- widgets ----------------------------------------------------------- */

export const WIDGETS = [
    { type: "query_value", title: "Value", requests: [{ q: "max:page.level{*}", aggregator: "last",
        conditional_formats: [{ comparator: ">", value: 100, palette: "white_on_green" }, { comparator: ">=", value: 12.5, palette: "white_on_red" }] }],
    custom_unit: "apples", precision: 1 },
    { type: "toplist", title: "Top", time: { live_span: "5m" }, requests: [{ q: "top(avg:page.level{*} by {env}, 10, 'mean', 'desc')" }] },
    { type: "toplist", title: "Least", requests: [{ queries: [{ data_source: "metrics", name: "a", query: "avg:page.level{*} by {env}", aggregator: "last" }],
        formulas: [{ formula: "a", limit: { count: 1, order: "asc" }, conditional_formats: [{ comparator: "<", value: 10, palette: "black_on_light_yellow" }] }] }] },
    { type: "query_table", title: "Table", requests: [{ q: "avg:page.level{*} by {env}", alias: "level" },
        { queries: [{ data_source: "metrics", name: "a", query: "avg:page.level{*} by {env}" }], formulas: [{ formula: "a * 2", alias: "twice" }] }] },
    { type: "timeseries", title: "Areas", requests: [{ q: "avg:page.level{*} by {env}", display_type: "area" }, { q: "avg:page.level{*}", display_type: "line", on_right_yaxis: true }],
        markers: [{ value: "y = 20", display_type: "error dashed", label: "too much" }], yaxis: { scale: "log" } },
    { type: "query_table", title: "List", requests: [{ q: "avg:page.level{*}, max:page.level{*}" }] },
    { type: "timeseries", title: "Wrong", requests: [{ q: "avg:page.level{$none}" }, { queries: [{ data_source: "logs", name: "q" }] }] },
];

async function drawsNumbers(given) {
    const { server, tab, page } = given;
    await server.send("page.level:12.5|g|#env:test", "page.level:7.5|g|#env:live");
    await server.intervals(1);
    await showBoard(given, ...WIDGETS);
    await tab.sees("12.5 apples", ".value.tone.bad.full");
    await until("the toplist has an order", async () => (await panel(page, "Top").locator("tbody th").allInnerTexts()).join() === "env:test,env:live");
    await tab.sees("the last 5m", "h2");
    await until("the other has one row, of the other end", async () => (await panel(page, "Least").locator("tbody th").allInnerTexts()).join() === "env:live");
    await panel(page, "Least").locator(".tone.warn.soft").waitFor();
    await until("the table has a row a group", async () => (await panel(page, "Table").locator("tbody tr").allInnerTexts())
        .map((row) => row.replace(/\s+/g, " ")).join() === "env:test 12.5 25,env:live 7.5 15");
    await tab.sees("Of several queries in one request the first is in the table", "main");
    await tab.sees("The scale log is not drawn", "main");
    await tab.sees("There is one axis", "main");
    await until("the areas are drawn", async () => await panel(page, "Areas").locator("canvas").count() === 1);
    await tab.sees("$none is no variable of this dashboard", "main");
    await tab.sees("Of the data source logs nothing is kept here", "main");
}

async function readsVariables(given) {
    const { server, tab, page } = given;
    await server.send("page.level:12|g|#env:test", "page.level:7|g|#env:live");
    await server.intervals(1);
    const board = { ...boardOf({ type: "query_value", title: "Of $env.value", requests: [{ q: "avg:page.level{$env}", aggregator: "last" }] }),
        template_variables: [{ name: "env", prefix: "env", default: "test", available_values: ["test", "live"] }] };
    const { id } = await post(server, "/api/v1/dashboard", board);
    await tab.show(server.address(`/#/dashboard?id=${id}`));
    await tab.sees("12", ".value");
    await tab.sees("Of test", "h2");
    await page.getByLabel("$env", { exact: true }).fill("live");
    await page.getByLabel("$env", { exact: true }).press("Enter");
    await tab.sees("7", ".value");
    holds("the address says it", page.url().includes("tpl_var_env=live"));
}

async function showsNotesAsText(given) {
    const { tab, page } = given;
    await showBoard(given, { type: "note", content: "# Head\n[bad](javascript:window.owned=1) [file](file:///etc/passwd) [good](https://example.org/a?b=1) **strong**\n"
        + "<img src=x onerror=\"window.owned=1\"> <a href=\"x\">x</a>\n- one\n- two\nhttp://plain.example/x" },
    { type: "free_text", text: "[x](data:text/html,<script>window.owned=1</script>)" },
    { type: "heatmap", title: "<b>Heat</b>", requests: [] }, { type: "<i>odd</i>" },
    { type: "group", title: "Inner", layout_type: "ordered", widgets: [{ definition: { type: "note", content: "inside" } }] });
    await tab.sees("<img src=x onerror=\"window.owned=1\">", ".note");
    await tab.sees("[bad](javascript:window.owned=1)", ".note");
    same("its links", await page.locator(".board a").evaluateAll((links) => links.map((link) => link.getAttribute("href"))), ["https://example.org/a?b=1", "http://plain.example/x"]);
    same("markup in it", await page.locator(".board img, .board script, .board b, .board i").count(), 0);
    holds("nothing ran", !(await page.evaluate(() => window.owned)));
    await tab.sees("heatmap", ".widget");
    await tab.sees("which is not drawn here", ".widget");
    await tab.sees("inside", ".group");
}

/* What the server takes and no page has to expect. */
async function bearsOddities(given) {
    const { server, tab, page } = given;
    const odd = { title: ESCAPES, description: MARKUP, layout_type: "free", widgets: [
        { definition: { type: "timeseries", title: MARKUP, requests: [{ q: "avg:none{*}", style: 5, metadata: "x", conditional_formats: 3 },
            { queries: [5, null], formulas: [{ formula: 1 }] }, { queries: [{ data_source: 1 }] }], markers: [{ value: 5 }, { value: "y = x" }, "y = 1"], yaxis: 7, events: {} },
        layout: "none" },
        { definition: { type: "timeseries", requests: {}, events: [{}], yaxis: { min: {}, max: "auto" } }, layout: { x: 0, y: 0, width: -1 } },
        { definition: { type: "query_value", requests: {}, precision: "many", custom_unit: {} } }, { definition: { type: "toplist" } },
        { definition: { type: "query_table", requests: [] } }, { definition: { type: "event_stream", query: 5 } }, { definition: { type: "note", content: 5 } },
        { definition: { type: "group", widgets: [] } }, { definition: { type: "__proto__" } }],
    template_variables: [1, null, { name: 5 }, { name: "a", default: {} }, { name: MARKUP, defaults: [1], available_values: {} }] };
    const { id } = await post(server, "/api/v1/dashboard", odd);
    await tab.show(server.address(`/#/dashboard?id=${id}&tpl_var_a=*`));
    await tab.sees(SHOWN, "h1");
    await tab.sees("__proto__", ".widget");
    await tab.sees("A request without a metric query is not drawn here", ".widget");
    await tab.sees("There is no request in it", ".widget");
    await isText(page);
}

async function showsEvents(given) {
    const { server, tab } = given;
    await server.send("_e{6,4}:deploy|v4.2|#env:live", "_e{5,1}:other|x|#env:test", "page.level:1|g");
    await server.intervals(1);
    await showBoard(given, { type: "event_stream", query: "tags:env:live" },
        { type: "timeseries", title: "Level", requests: [{ q: "avg:page.level{*}" }], events: [{ q: "tags:env:live" }] });
    await tab.sees("deploy", ".events");
    await tab.sees(/1 event: .*deploy/, "main");
    same("the others are left out", (await tab.page.locator(".events").getByText("other").count()), 0);
}

/* More of them than memory has, of before a restart and over a day. */
async function showsEventsOfBefore(given) {
    const { server, tab, page } = given;
    const now = Math.floor(Date.now() / 1000);
    const lines = Array.from({ length: 150 }, (_, i) => `_e{8,1}:past ${String(i).padStart(3, "0")}|x|d:${now - 70000 + 60 * i}|s:past|#n:${i % 50}`);
    for (let i = 0; i < 150; i += 10) await server.send(lines.slice(i, i + 10).join("\n"));
    await until("they are kept", async () => /^heeler_history_notes_total 1[5-9]\d/m.test(await (await fetch(server.address("/metrics"))).text()));
    await server.kill();
    await server.startAgain();
    await until("the past is there", async () => /^heeler_history_open 1/m.test(await (await fetch(server.address("/metrics"))).text()));
    const { id } = await post(server, "/api/v1/dashboard", boardOf({ type: "event_stream", title: "All", query: "sources:past" },
        { type: "event_stream", title: "Few", query: "tags:n:7" }, { type: "event_stream", title: "Words", query: "past 00" }));
    await tab.show(server.address(`/#/dashboard?id=${id}&range=1d`));
    const titles = async (name) => panel(page, name).locator(".event strong").allInnerTexts();
    const past = (...numbers) => numbers.map((n) => `past ${String(n).padStart(3, "0")}`);
    await until("the last twenty are there", async () => (await titles("All")).length === 20);
    same("the last first", await titles("All"), past(...Array.from({ length: 20 }, (_, i) => 149 - i)));
    await until("those of a tag are there", async () => (await titles("Few")).length === 3);
    same("of the disk, too", await titles("Few"), past(107, 57, 7));
    await until("those of words are there", async () => (await titles("Words")).length === 11); /* 000 to 009, and 100 */
    await tab.show(server.address("/#/events"));
    await until("a hundred are there", async () => await page.locator(".event").count() === 100);
    await page.getByRole("button", { name: "Older events" }).click();
    await until("all are there", async () => await page.locator(".event").count() === 150);
    await server.send("_e{3,1}:new|x");
    await until("a new one is there", async () => await page.locator(".event").count() === 151);
    same("the first and the last", [await page.locator(".event strong").first().innerText(), await page.locator(".event strong").last().innerText()], ["new", "past 000"]);
}

/* ---- its JSON ---------------------------------------------------------- */

async function savesOrSaysWhy(given) {
    const { server, tab, page } = given;
    tab.expect(/status of 400/);
    const id = await showBoard(given, { type: "note", content: "before" });
    await page.locator("summary", { hasText: "JSON" }).click();
    const area = page.getByLabel("Definition, as JSON");
    await until("the JSON is there", async () => (await area.inputValue()).includes("before"));
    const was = await area.inputValue();
    holds("what the server says is left out", !was.includes("author_handle"));
    await area.fill(was.replace("\"ordered\"", "\"round\""));
    await page.getByRole("button", { name: "Save" }).click();
    await tab.sees("Not saved: layout_type: expected ordered or free", ".editor");
    await area.fill(was.replace("\"ordered\"", "ordered"));
    await page.getByRole("button", { name: "Save" }).click();
    await tab.sees(/Not saved: the body is no valid JSON/, ".editor");
    same("the caret is at the fault", await area.evaluate((node) => node.value.slice(node.selectionStart, node.selectionEnd)), "o");
    await area.fill(was.replace("before", "behind"));
    await page.getByRole("button", { name: "Save" }).click();
    await tab.sees("Saved.", ".editor");
    await tab.sees("behind", ".note");
    const kept = await (await fetch(server.address(`/api/v1/dashboard/${id}`))).json();
    same("the server has it", kept.widgets[0].definition.content, "behind");
}

async function makesANewOne({ server, tab, page }) {
    await tab.show(server.address("/#/dashboards"));
    await tab.sees("There is none yet", "main");
    await page.locator("summary", { hasText: "New dashboard" }).click();
    await page.getByRole("button", { name: "Save" }).click();
    await tab.sees("What this shows", ".note");
    await page.goBack();
    await page.getByRole("link", { name: "New dashboard" }).click();
    await page.locator("summary", { hasText: "JSON" }).click();
    await page.getByRole("button", { name: "Delete this dashboard" }).click();
    await page.getByRole("button", { name: "Delete it for good" }).click();
    await tab.sees("There is none yet", "main");
}

async function findsThem({ server, tab, page }) {
    const long = "w".repeat(400);
    for (const [title, description] of [["Web 10", ""], ["web 9", "requests of the shop"], [`Mail ${long}`, long]]) {
        await post(server, "/api/v1/dashboard", { title, description, layout_type: "ordered", widgets: [] });
        const now_ms = Date.now();
        await until("each is of a millisecond of its own", () => Date.now() > now_ms);
    }
    const titles = () => page.locator("main tbody th a").allInnerTexts();
    await tab.show(server.address("/#/dashboards"));
    await until("they stand in the order of their names", async () => (await titles()).slice(1).join() === "web 9,Web 10");
    same("what is long does not push the rest out of sight", await tab.tooWide(), []);
    same("nor in its own box", await page.locator("main .scroll").evaluate((box) => box.scrollWidth > box.clientWidth), false);
    await page.getByLabel("Search").fill("SHOP web");
    await until("one has all words", async () => (await titles()).join() === "web 9");
    await tab.sees("1 dashboard", "main");
    holds("the address says it", page.url().includes("q=SHOP"));
    await page.getByLabel("Search").fill("nothing");
    await tab.sees("No dashboard has nothing in its title", "main");
    await page.getByLabel("Search").fill("web");
    await page.getByRole("button", { name: "Changed" }).click();
    await until("the newest stands first", async () => (await titles()).join() === "web 9,Web 10");
}

async function readsFiles(given) {
    const folder = mkdtempSync(join(tmpdir(), "heeler-boards-"));
    try {
        writeFileSync(join(folder, "web.json"), JSON.stringify(boardOf({ type: "note", content: "of a file" })));
        writeFileSync(join(folder, "broken.json"), "{\n \"title\": }");
        await withPage(given, async ({ server, tab, page }) => {
            await tab.show(server.address("/#/dashboards"));
            await tab.sees("broken.json, line 2, byte 11: ", ".findings");
            await tab.sees("file web.json", "table");
            await page.getByRole("link", { name: "A board" }).click();
            await tab.sees("of a file", ".note");
            await tab.sees("From the file web.json", "main");
            await page.locator("summary", { hasText: "JSON" }).click();
            await tab.sees("it is changed there", ".editor");
            same("it cannot be saved", await page.getByRole("button", { name: "Save" }).count(), 0);
        }, { settings: { heeler_dashboards_path: folder } });
    } finally {
        rmSync(folder, { recursive: true });
    }
}

export const boards = [
    ["the timeboard of the exercise shows its three graphs, the band included", (given) => withPage(given, drawsTheTimeboard)],
    ["numbers, toplists, tables, areas and markers of a dashboard are drawn", (given) => withPage(given, drawsNumbers)],
    ["a variable of a dashboard is filled in, and chosen", (given) => withPage(given, readsVariables)],
    ["a note is text, its links lead to pages only, and an unknown widget names its type", (given) => withPage(given, showsNotesAsText)],
    ["an odd dashboard of a stranger is text, and shown as far as it goes", (given) => withPage(given, bearsOddities)],
    ["a dashboard shows the events that it looks for", (given) => withPage(given, showsEvents)],
    ["events of before a restart are on dashboards and Events", async (given) => {
        const folder = mkdtempSync(join(tmpdir(), "heeler-boards-"));
        try {
            await withPage(given, showsEventsOfBefore, { settings: { heeler_state_path: folder } });
        } finally {
            rmSync(folder, { recursive: true });
        }
    }],
    ["the JSON of a dashboard is saved, or it is said why not", (given) => withPage(given, savesOrSaysWhy)],
    ["a new dashboard is made on the page, and deleted", (given) => withPage(given, makesANewOne)],
    ["dashboards are found by words, and sorted", (given) => withPage(given, findsThem)],
    ["dashboards of files are shown as such, and what is wrong with one", readsFiles],
];
