/* page/cases/bands.js: an answer with a band, which a server would need an hour for. */

import { holds, same, withPage } from "./with.js";
import { until } from "../server.js";

/* Twenty points at 10, of which the last two jump out of a band from 8 to 12. */
function banded(from_s, direction) {
    const points = (value) => Array.from({ length: 20 }, (_, i) => [(from_s + 20 * i) * 1000, value(i)]);
    const series = (role, value) => ({ metric: "anomalies(load, 'basic', 2)", scope: "*", tag_set: [], interval: 20,
        attributes: { role, direction }, pointlist: points(value) });
    return { status: "ok", message: "", series: [series("value", (i) => (i < 18 ? 10 : 30)), series("lower", () => 8), series("upper", () => 12)] };
}

/* How many pixels of the drawing are like that. */
function countPixels(page, isLike) {
    return page.evaluate((source) => {
        const like = new Function("r", "g", "b", "a", `return ${source}`);
        const canvas = document.querySelector(".canvas canvas");
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        let n = 0;
        for (let i = 0; i < data.length; i += 4) if (like(data[i], data[i + 1], data[i + 2], data[i + 3])) n++;
        return n;
    }, isLike);
}

async function drawsTheBand({ server, tab, page }) {
    tab.expect(/Multiple readback operations/); /* of the drawing, to look at its pixels */
    await page.route("**/api/v1/query?*", (route) => {
        const from_s = Number(new URL(route.request().url()).searchParams.get("from"));
        route.fulfill({ json: banded(Math.ceil(from_s / 20) * 20) });
    });
    await tab.show(server.address("/#/query?q=anomalies(avg:load{*}, 'basic', 2)&range=15m&live=off"));
    await until("there is a drawing", async () => await page.locator(".canvas canvas").count() === 1);
    await until("what is outside is red", async () => await countPixels(page, "a > 200 && r > 150 && g < 90 && b < 90") > 20);
    holds("the line is blue", await countPixels(page, "a > 200 && b > 140 && r < 60") > 100);
    holds("the band is grey", await countPixels(page, "a > 30 && a < 90 && Math.abs(r - g) < 25 && Math.abs(g - b) < 25") > 500);
    same("it is one group", await page.locator(".groups tbody tr").count(), 1);
    await page.locator("details.data summary").click();
    await tab.sees("outside", "details.data th");
    await tab.sees("upper bound", "details.data th");
}

/* What jumps up is not below. */
async function isRedOnOneSideOnly({ server, tab, page }) {
    tab.expect(/Multiple readback operations/);
    await page.route("**/api/v1/query?*", (route) => {
        const from_s = Number(new URL(route.request().url()).searchParams.get("from"));
        route.fulfill({ json: banded(Math.ceil(from_s / 20) * 20, "below") });
    });
    await tab.show(server.address("/#/query?q=anomalies(avg:load{*}, 'basic', 2, direction='below')&range=15m&live=off"));
    await until("the line is blue", async () => await page.locator(".canvas canvas").count() === 1 &&
        await countPixels(page, "a > 200 && b > 140 && r < 60") > 100);
    same("nothing is red", await countPixels(page, "a > 200 && r > 150 && g < 90 && b < 90"), 0);
}

async function completesAFunction({ server, tab, page }) {
    await server.send("page.level:12.5|g|#env:test", "page.odd:1|g|#env:a(b c:d");
    await server.intervals(1);
    await tab.show(server.address("/#/query"));
    await page.getByLabel("Question").pressSequentially("anom");
    await tab.isOffered("anomalies");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    same("the function is completed", await page.getByLabel("Question").inputValue(), "anomalies(");
    await page.keyboard.type("avg:page.level{*}, ");
    await tab.isOffered("'basic'");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    same("its argument, too", await page.getByLabel("Question").inputValue(), "anomalies(avg:page.level{*}, 'basic'");
    await page.keyboard.type(", 2, interval=20, dir");
    await tab.isOffered("direction='above'");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    same("and one with a name", await page.getByLabel("Question").inputValue(),
        "anomalies(avg:page.level{*}, 'basic', 2, interval=20, direction='above'");
    await page.getByLabel("Question").fill("avg:page.odd{");
    await page.keyboard.type("env:");
    await tab.isOffered("env:a*b*c:d");
    await page.getByLabel("Question").fill("anomalies(avg:page.level{*}, 'basic', 2, direction='above'), ");
    await page.keyboard.type("max:page.le");
    await tab.isOffered("page.level");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    holds("and a query behind it", (await page.getByLabel("Question").inputValue()).endsWith("direction='above'), max:page.level{"));
}

export const bands = [
    ["a band is grey, and what is outside of it red", (given) => withPage(given, drawsTheBand)],
    ["what is outside is red on the side that is asked for", (given) => withPage(given, isRedOnOneSideOnly)],
    ["a function, its argument and what stands behind it are completed", (given) => withPage(given, completesAFunction)],
];
