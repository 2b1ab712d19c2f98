/* page/cases/keyboard.js: everything is reached and done without a mouse. */

import { cellsOf, until } from "../browser.js";
import { holds, same, withPage } from "./with.js";

const STOPS_MAX = 60;

/* What has the focus: its words, and whether one sees that it has it. */
function focused(page) {
    return page.evaluate(() => {
        const node = document.activeElement;
        if (!node || node === document.body) return null;
        const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(node);
        return { words: (node.innerText || node.getAttribute("aria-label") || node.id || node.tagName).trim().split("\n")[0],
            isSeen: (outlineStyle !== "none" && parseFloat(outlineWidth) > 0) || boxShadow !== "none" };
    });
}

/* Tab, until what has the focus is called that. */
async function tabTo(page, words) {
    for (let i = 0; i < STOPS_MAX; i++) {
        await page.keyboard.press("Tab");
        const stop = await focused(page);
        if (stop && words.test(stop.words)) return;
    }
    throw new Error(`Tab does not lead to ${words}`);
}

async function reachesEverything({ server, tab, page }) {
    await tab.show(server.address());
    await tab.sees("From socket to intake");
    const stops = [];
    for (let i = 0; i < STOPS_MAX; i++) {
        await page.keyboard.press("Tab");
        const stop = await focused(page);
        if (!stop) break;
        stops.push(stop);
    }
    same("stops where one does not see the focus", stops.filter((stop) => !stop.isSeen), []);
    for (const words of ["Skip to the content", "Now", "Metrics", "Query", "Dashboards", "Lines", "Events", "90 s", "15 min", "As a table"])
        holds(`Tab leads to ${words}`, stops.some((stop) => stop.words === words));
}

async function skipsToTheContent({ server, tab, page }) {
    await tab.show(server.address());
    await tab.sees("From socket to intake");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    same("what has the focus", await page.evaluate(() => document.activeElement.id), "main");
    await page.keyboard.press("Tab");
    holds("the next stop is in the content", await page.evaluate(() => document.getElementById("main").contains(document.activeElement)));
}

async function asksAQuestion({ server, tab, page }) {
    await server.send("page.level:12.5|g|#env:test", "page.level:7.5|g|#env:live");
    await server.intervals(1);
    await tab.show(server.address());
    await tabTo(page, /^Query$/);
    await page.keyboard.press("Enter");
    await tabTo(page, /^question$/);
    await page.keyboard.type("avg:page.l");
    await tab.isOffered("page.level");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    same("the name is completed", await page.getByLabel("Question").inputValue(), "avg:page.level{");
    await page.keyboard.type("*} by {en");
    await tab.isOffered("env");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    const written = await page.getByLabel("Question").inputValue();
    await page.keyboard.type(written.endsWith("}") ? "" : "}");
    await page.keyboard.press("Escape");
    await page.keyboard.press("Enter");
    await until("both groups are there", async () => (await cellsOf(page, ".groups")).length === 2);
    await tabTo(page, /^15 m$/);
    await page.keyboard.press("Space");
    await until("the range is chosen", () => page.url().includes("range=15m"));
    await tabTo(page, /^As a table$/);
    await page.keyboard.press("Enter");
    await tab.sees("12.5", "figure.chart details table");
}

async function findsAMetric({ server, tab, page }) {
    await server.send("page.level:12.5|g", "page.other:1|c");
    await server.intervals(1);
    await tab.show(server.address("/#/metrics"));
    await tab.sees("page.other", "table");
    await tabTo(page, /^search$/);
    await page.keyboard.type("level");
    await until("one metric is left", async () => (await cellsOf(page, "main .scroll")).length === 1);
    await tabTo(page, /^page\.level$/);
    await page.keyboard.press("Enter");
    await tab.sees("page.level", "h1");
}

export const keyboard = [
    ["Tab reaches everything on Now, and one sees where it is", (given) => withPage(given, reachesEverything)],
    ["the first stop skips to the content", (given) => withPage(given, skipsToTheContent)],
    ["a question is completed and asked by the keyboard", (given) => withPage(given, asksAQuestion)],
    ["a metric is found by the keyboard", (given) => withPage(given, findsAMetric)],
];
