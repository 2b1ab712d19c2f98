/* page/cases/hosts.js: hosts as a list, as a map and one by one; and what is written about a metric. */

import { fetchPlain, until } from "../server.js";
import { holds, same, withPage } from "./with.js";

const FLEET = ["page.load:10|g|#host:web-1,role:web,env:live", "page.load:30|g|#host:web-2,role:web,env:live",
    "page.load:70|g|#host:db-1,role:db,env:live", "page.idle:1|g|#host:db-2,role:db,env:live"];

async function sendFleet(server) {
    await server.send(...FLEET);
    await server.intervals(1);
}

async function areListedAndFound({ server, tab, page }) {
    await tab.show(server.address("/#/hosts"));
    await tab.sees("No series has a host", "main");
    await sendFleet(server);
    await tab.sees("web-2", "table");
    await tab.sees(/ago$/, "table");
    const row = page.locator("tr", { hasText: "db-1" });
    await row.getByRole("link", { name: "role:db" }).click();
    await tab.sees("2 hosts", "main");
    same("who has the tag", await page.locator("tbody th").allInnerTexts(), ["db-1", "db-2"]);
    holds("the address keeps it", page.url().includes("q=role%3Adb"));
    await page.getByLabel("Search").fill("web-*");
    await tab.sees("web-1", "tbody th");
    same("who has such a name", await page.locator("tbody th").allInnerTexts(), ["web-1", "web-2"]);
    await page.getByRole("link", { name: "web-2" }).click();
    await tab.sees("web-2", "h1");
    await tab.sees("up", ".facts");
    await tab.sees("env:live", ".tags");
    same("its metrics", await page.locator(".small-charts h3").allInnerTexts(), ["page.load"]);
    await tab.sees("30", ".small-charts b");
    await page.locator(".small-chart").click();
    await tab.sees("Query", "h1");
    same("the question", await page.getByLabel("Question").inputValue(), "avg:page.load{host:web-2}");
}

async function isAMapByTag({ server, tab, page }) {
    await sendFleet(server);
    await tab.show(server.address("/#/hostmap?metric=page.load&by=role"));
    await tab.sees("role:web", ".map h2");
    const boxes = () => page.locator(".map .box").evaluateAll((all) => all.map((box) => [box.title, box.className]));
    same("the boxes", await boxes(), [["db-1: 70", "box heat-5"], ["db-2: no value", "box none"], ["web-1: 10", "box heat-0"], ["web-2: 30", "box heat-2"]]);
    same("the groups", await page.locator(".map h2").allInnerTexts(), ["role:db 2 hosts", "role:web 2 hosts"]);
    await page.getByLabel("Group by").fill("");
    await tab.sees("All hosts", ".map h2");
    await page.getByLabel("Colour").fill("page.idle");
    await until("the other metric colours", async () => (await boxes()).some(([title]) => title === "db-2: 1"));
    holds("the address keeps it", /metric=page.idle$/.test(page.url()));
    await page.locator(".map .box", { hasText: "db-1" }).click();
    await tab.sees("db-1", "h1");
}

async function isWritten({ server, tab, page }) {
    await server.send("page.size:2048|g|#host:web-1,role:web");
    await server.knows("page.size"); /* or the browser tells of the 404 */
    await tab.show(server.address("/#/metric?name=page.size"));
    await tab.sees("web-1", ".tags");
    await page.getByRole("button", { name: "Edit" }).click();
    await page.getByLabel("Unit").fill("byte");
    await page.getByLabel("Description").fill("What is\nkept.");
    await page.getByRole("button", { name: "Save" }).click();
    await tab.sees("2 KiB", ".groups");
    await tab.sees("unit byte", "main");
    const said = JSON.parse((await fetchPlain(server.http, "/api/v1/metrics/page.size")).text);
    same("what is kept", [said.unit, said.per_unit, said.description], ["byte", null, "What is\nkept."]);
    await page.reload();
    await tab.sees("kept.", ".description");
    await server.intervals(1);
    await tab.turnTo("#/host?name=web-1");
    await tab.sees("2 KiB", ".card-head");
    await tab.turnTo("#/metric?name=page.size");
    await page.getByRole("button", { name: "Edit" }).click();
    await page.getByLabel("Unit").fill("request");
    await page.getByLabel("Per", { exact: true }).fill("second");
    await page.getByLabel("Description").fill("");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await tab.sees("request per second", ".axis-unit");
    same("the description is gone", await page.locator(".description").isVisible(), false);
    await tab.turnTo("#/metrics");
    await tab.sees("request per second", "table");
}

export const hosts = [
    ["hosts are found by name and tag, and one has its metrics", (given) => withPage(given, areListedAndFound)],
    ["the map has hosts by tag, coloured by a metric", (given) => withPage(given, isAMapByTag)],
    ["unit and description are written, and stand at the numbers", (given) => withPage(given, isWritten)],
];
