/* page/cases/checks.js: what the runner of checks told, and what it no longer tells. */

import { post } from "./boards.js";
import { holds, same, withPage } from "./with.js";

const now_s = Math.floor(Date.now() / 1000);

export const REPORT = { runner: { pid: 7, version: "1", python: "3.11.2" }, problems: ["conf.d/b.yaml:5: a tab"],
    instances: [
        { id: "my_check:1", name: "my_check", source: "conf.d/my_check.yaml:3", interval_s: 40, state: "ok", last_run: now_s - 3, seconds: 0.002, runs: 9, metrics: 1 },
        { id: "pg:1", name: "postgres", source: `conf.d/postgres.d/${"long_".repeat(20)}.yaml:3`, interval_s: 15, state: "error", last_run: now_s - 5, seconds: 0.25,
            runs: 8, failures: 2, metrics: 0, error: "no such host <b>db</b>", traceback: "Traceback:\n  line 1 <script>", dropped: { many: 7 }, warnings: ["slow"],
            output: { lines: 5, last: "printed" } },
        { id: "late:1", name: "late", source: "conf.d/late.yaml:1", state: "waiting" },
    ],
    sent: { points: 5, given_up: { refused: 2 } } };

const names = (page) => page.locator("tbody th bdi").allInnerTexts();

async function areShown({ server, tab, page }) {
    await tab.show(server.address("/#/checks"));
    await tab.sees("No runner of checks was heard of", "main");
    await post(server, "/api/v1/checks/status", REPORT);
    await tab.sees("no such host <b>db</b>", "table");
    same("the worst is first", await names(page), ["postgres", "my_check", "late"]);
    await tab.sees("a tab", ".problems");
    await tab.sees("The runner was heard of", "main");
    await tab.sees("2 for refused", "main");
    await tab.sees("8: 2 failed", "table");
    await tab.sees("3 instances", "main");
    await page.locator("summary", { hasText: "More" }).click();
    await tab.sees("line 1 <script>", "pre");
    await post(server, "/api/v1/checks/status", { ...REPORT, instances: REPORT.instances.map((one) => ({ ...one, runs: 10 })) });
    await tab.sees("10: 2 failed", "table");
    holds("what was opened stays open", await page.locator(".checks details").getAttribute("open") !== null);
    await page.getByRole("button", { name: "Check", exact: true }).click();
    await tab.sees("late", "tbody tr:first-child");
    same("by name", await names(page), ["late", "my_check", "postgres"]);
    await page.getByLabel("Search").fill("NO SUCH");
    await tab.sees("1 instance", "main");
    holds("the address keeps it", page.url().includes("q=NO"));
    await post(server, "/api/v1/checks/status", { instances: [], ended: true });
    await page.getByLabel("Search").fill("");
    await tab.sees("The runner ended", "main");
    await tab.sees("No instance of a check is configured", "main");
}

async function areFollowedByTheMenu({ server, tab, page }) {
    await tab.show(server.address());
    await page.getByRole("link", { name: "Checks" }).click();
    await tab.sees("Checks", "h1");
    same("the menu says where one is", await page.locator("#views [aria-current]").innerText(), "Checks");
}

export const checks = [
    ["checks are shown as their runner told, the worst first", (given) => withPage(given, areShown)],
    ["checks have a place in the menu", (given) => withPage(given, areFollowedByTheMenu)],
];
