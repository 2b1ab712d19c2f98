/* page/cases/strangers.js: names, tags, lines and events come from anybody. They are text. */

import { holds, same, withPage } from "./with.js";

export const MARKUP = "<img src=x onerror=\"window.owned=1\">";
export const ESCAPES = "page.\u001b[2Jclear\u009b31m\u202eback\u00adsoft\u{e0041}tag";
export const SHOWN = "page.\\x1b[2Jclear\\x9b31m\\u202eback\\xadsoft\\u{e0041}tag";

/* Nothing of it became an element, and nothing ran. */
export async function isText(page) {
    same("images", await page.locator("main img").count(), 0);
    holds("nothing of it ran", !(await page.evaluate(() => window.owned)));
    const raw = await page.evaluate(() => /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u00ad\u{e0000}-\u{e007f}]/u.test(document.body.innerText));
    holds("what is invisible is shown", !raw);
}

async function areTextOnMetrics({ server, tab, page }) {
    await tab.show(server.address("/#/metrics"));
    await server.send(`${MARKUP}:1|g|#${MARKUP}`, `${ESCAPES}:1|g|#\u001b[31mkey:<b>value</b>`);
    await tab.sees(MARKUP, "table");
    await tab.sees(SHOWN, "table");
    await isText(page);
    await page.getByRole("link", { name: MARKUP }).click();
    await tab.sees(MARKUP, "h1");
    await tab.sees(MARKUP, "table");
    await isText(page);
    await page.goBack();
    await page.getByRole("link", { name: SHOWN }).click();
    await tab.sees(SHOWN, "h1");
    await tab.sees("\\x1b[31mkey", "table");
    await isText(page);
}

async function areTextOnHosts({ server, tab, page }) {
    const host = ESCAPES.replace("page.", "host.");
    await server.send(`page.level:1|g|#host:${MARKUP},${MARKUP}:${MARKUP}`, `page.level:2|g|#host:${host},key:<b>value</b>`);
    await server.intervals(1);
    await tab.show(server.address("/#/hosts"));
    await tab.sees(MARKUP, "table");
    await tab.sees(SHOWN.replace("page.", "host."), "table");
    await tab.sees("<b>value</b>", ".tags");
    await isText(page);
    await page.getByRole("link", { name: MARKUP, exact: true }).click();
    await tab.sees(MARKUP, "h1");
    await tab.sees("page.level", ".small-charts");
    await isText(page);
    for (const key of [MARKUP, "key"]) {
        await tab.turnTo(`#/hostmap?${new URLSearchParams({ metric: "page.level", by: key })}`);
        await tab.sees(key === "key" ? "key:<b>value</b>" : MARKUP, ".map h2");
        await tab.sees(MARKUP, ".box");
        await isText(page);
    }
}

async function areTextWhereTheyAreWritten({ server, tab, page }) {
    await server.send("page.level:1|g");
    await server.knows("page.level"); /* or the browser tells of the 404 */
    await tab.show(server.address("/#/metric?name=page.level"));
    await page.getByRole("button", { name: "Edit" }).click();
    await page.getByLabel("Unit").fill(MARKUP);
    await page.getByLabel("Description").fill(`${MARKUP}\n${ESCAPES}`);
    await page.getByRole("button", { name: "Save" }).click();
    await tab.sees(MARKUP, ".axis-unit");
    await tab.sees(SHOWN, ".description");
    await isText(page);
}

async function areTextOnEvents({ server, tab, page }) {
    const length = (text) => Buffer.byteLength(text);
    await tab.show(server.address("/#/events"));
    await server.send(`_e{${length(MARKUP)},${length(ESCAPES)}}:${MARKUP}|${ESCAPES}|#${MARKUP}`,
        `_sc|${MARKUP}|1|m:${ESCAPES}`);
    await tab.sees(MARKUP, ".events");
    await tab.sees(SHOWN, ".events");
    await tab.sees(MARKUP, "table");
    await tab.sees(SHOWN, "table");
    await isText(page);
}

async function runsNoScriptOfText({ server, tab, page }) {
    tab.expect(/Content Security Policy/);
    await tab.show(server.address());
    await page.evaluate(() => {
        const script = document.createElement("script");
        script.textContent = "window.ran = true";
        document.head.append(script);
        document.body.insertAdjacentHTML("beforeend", "<img src='data:,' onerror='window.ran = true'>");
    });
    await tab.sees("From socket to intake");
    holds("the policy is on", !(await page.evaluate(() => window.ran)));
}

export const strangers = [
    ["names of markup and of escape sequences are text on Metrics", (given) => withPage(given, areTextOnMetrics)],
    ["hosts and tags of markup are text on Hosts, in one, and on the map", (given) => withPage(given, areTextOnHosts)],
    ["a unit and a description of markup are text", (given) => withPage(given, areTextWhereTheyAreWritten)],
    ["events and checks of strangers are text", (given) => withPage(given, areTextOnEvents)],
    ["the policy lets no script in that stands in the page", (given) => withPage(given, runsNoScriptOfText)],
];
