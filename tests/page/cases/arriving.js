/* page/cases/arriving.js: what is sent over UDP is seen, where one looks for it. */

import { cellsOf, until } from "../browser.js";
import { holds, same, withPage } from "./with.js";

async function isOnMetricsWithinTwoIntervals({ server, tab, page }) {
    await page.clock.install();
    await tab.show(server.address("/#/metrics"));
    await tab.sees("No metric has come yet");
    await page.clock.pauseAt(Date.now() + 60000); /* the page's time goes on when it is told to */
    await server.send("page.requests:3|c|#env:test");
    await server.knows("page.requests"); /* one interval */
    await page.clock.runFor(1000 * server.settings.heeler_interval); /* and another */
    await tab.sees("page.requests", "table");
}

/* The page shows three digits. */
const rounded = (text) => Number(Number(text).toPrecision(3));

/* [["12:30:02", 1.5]] of what `heeler query` prints, by the time in UTC. */
function valuesSaid(said) {
    return [...said.matchAll(/^ {2}\d{4}-\d\d-\d\d (\d\d:\d\d:\d\d)Z +(\S+)$/gm)].map(([, time, value]) => [time, rounded(value)]);
}

/* The same of the page's table, which begins with the newest. */
async function valuesSeen(page) {
    const rows = await cellsOf(page, "figure.chart details");
    return rows.filter(([, , value]) => value !== "–").map(([, utc, value]) => [utc, rounded(value)]).reverse();
}

async function isDrawnAndTheSame({ server, tab, page }) {
    const from = Math.floor(Date.now() / 1000);
    for (const value of [1.5, 12.5, 7.25, 3]) {
        await server.send(`page.level:${value}|g|#env:test`);
        await server.intervals(1);
    }
    const to = Math.floor(Date.now() / 1000);
    const address = server.address(`/#/query?q=avg:page.level{*}&range=free&from=${from}&to=${to}`);
    await tab.show(address);
    await until("the line is drawn", async () => (await tab.dotsDrawn()) > 100);
    await page.getByText("As a table").click();
    const said = valuesSaid(await server.say("query", "avg:page.level{*}", "--from", from, "--to", to, "--at", `127.0.0.1:${server.http}`));
    same("the values of the page", await valuesSeen(page), said);
    holds("there are some", said.length >= 2);
    await page.reload();
    await until("the address keeps the question", async () => (await tab.dotsDrawn()) > 100);
}

async function tellsSeveralQueriesApart({ server, tab }) {
    await server.send("page.level:1.5|g", "page.level:2.5|g|#env:test");
    await server.intervals(1);
    await tab.show(server.address("/#/query?q=min:page.level{*}, max:page.level{*}&range=15m"));
    await tab.sees("max:page.level{*}", ".groups tbody");
    await tab.sees("min:page.level{*}", ".groups tbody");
    const said = await server.say("query", "min:page.level{*}, max:page.level{*}", "--last", "15m", "--at", `127.0.0.1:${server.http}`);
    holds("heeler query does so too", /^min:page\.level\{\*\}\n[^]*^max:page\.level\{\*\}\n/m.test(said));
}

async function hasItsFaultAtItsColumn({ server, tab, page }) {
    tab.expect(/status of 400/);
    await tab.show(server.address("/#/query"));
    await page.getByLabel("Question").fill("avg:page.level{*} by env");
    await page.getByRole("button", { name: "Ask" }).click();
    await tab.sees(/^Column \d+: /, ".fault");
    const [written, mark] = (await tab.textOf(".fault pre")).split("\n");
    const column = Number(/^Column (\d+)/.exec(await tab.textOf(".fault"))[1]);
    same("the question", written, "avg:page.level{*} by env");
    same("the column of the mark", mark.indexOf("^"), column - 1);
    same("the box is marked", await page.getByLabel("Question").getAttribute("aria-invalid"), "true");
}

async function areOnEvents({ server, tab }) {
    await tab.show(server.address("/#/events"));
    await tab.sees("No event has come");
    await server.send("_e{8,11}:deployed|version 4.2|t:warning|#env:test", "_sc|page.database|2|#env:test|m:no answer");
    await tab.sees("deployed", ".events");
    await tab.sees("version 4.2", ".events");
    await tab.sees("page.database", "table");
    await tab.sees("Critical", "table");
    await tab.sees("no answer", "table");
}

async function standsFirstOnNow({ server, tab, page }) {
    await tab.show(server.address());
    await tab.sees("From socket to intake");
    await server.send("page.bad:1|q");
    await tab.sees("1 line was refused: the type is none of c g ms h s d", ".findings");
    same("what stands first", await tab.textOf("main h2"), "Findings");
    await tab.sees("bad type", ".flow");
    holds("the worst stands first", /^warning/i.test(await tab.textOf(".finding")));
    await page.getByRole("button", { name: "15 min" }).click();
    await until("the address keeps the range", () => page.url().includes("range=15m"));
}

export const arriving = [
    ["a metric sent over UDP is on Metrics within two intervals", (given) => withPage(given, isOnMetricsWithinTwoIntervals, { settings: { heeler_interval: 2 } })],
    ["a query draws its line, and has the values of heeler query", (given) => withPage(given, isDrawnAndTheSame)],
    ["several queries in one question are told apart", (given) => withPage(given, tellsSeveralQueriesApart)],
    ["a question that is not understood has a mark at its column", (given) => withPage(given, hasItsFaultAtItsColumn)],
    ["events and checks are on Events", (given) => withPage(given, areOnEvents)],
    ["what is wrong stands first on Now", (given) => withPage(given, standsFirstOnNow)],
];
