/* page/cases/troubles.js: the causes of docs/troubleshooting.md, as the page shows them. That nothing is
 * received is said only some intervals after the start, and is left to tests/check_troubleshooting.sh. */

import { createServer } from "node:http";
import { once } from "node:events";
import { same, withPage } from "./with.js";

/* Sends such lines until the page has said it all. */
async function saysOnNow({ server, tab }, lines, ...sentences) {
    const timer = setInterval(() => lines().forEach((line) => server.send(line).catch(() => clearInterval(timer))), 250);
    try {
        await tab.show(server.address());
        for (const sentence of sentences) await tab.sees(sentence, ".findings");
    } finally {
        clearInterval(timer);
    }
}

async function filtered(given) {
    await saysOnNow(given, () => ["my_counter:1|c"], /values were shed: the metric filter list names it/);
    await given.tab.sees(/filtered/, ".flow");
}

async function full(given) {
    let user = 0;
    await saysOnNow(given, () => Array.from({ length: 10 }, () => `logins:1|c|#user:${user++}`),
        /20 of 20 contexts are in use/, /values were shed: a new context beyond heeler_max_contexts/);
    await given.tab.sees(/contexts full/, ".flow");
}

/* An intake that refuses the key. */
async function keyRefused(given) {
    const intake = createServer((request, answer) => {
        request.resume();
        request.on("end", () => answer.writeHead(403).end("{}"));
    }).listen(0, "127.0.0.1");
    await once(intake, "listening");
    try {
        await withPage(given, async (place) => {
            await saysOnNow(place, () => ["my_counter:1|c"], /does not accept the API key/);
            await place.tab.sees("the key is refused", ".card");
        }, { settings: { api_key: "0".repeat(32), dd_url: `http://127.0.0.1:${intake.address().port}` } });
    } finally {
        intake.closeAllConnections?.();
        intake.close();
    }
}

async function whoSends({ server, tab, page }) {
    await server.send("my_counter:1|c|#env:test", "my_counter:1|c|#env:live");
    await server.intervals(1);
    await tab.show(server.address("/#/metric?name=my_counter"));
    await tab.sees("2 series", "main");
    await tab.sees("Waiting for lines", "main");
    await server.send("my_counter:5|c|#env:test");
    await tab.sees("my_counter:5|c|#env:test", ".lines");
    const from = `127.0.0.1:${server.out.address().port}`;
    await page.getByRole("region", { name: "Senders" }).getByText(from).waitFor();
    same("its keys", await page.getByRole("region", { name: "Tag keys" }).getByRole("link").allInnerTexts(), ["host", "env"]);
}

export const troubles = [
    ["a metric that is filtered is found on Now", (given) => withPage(given, filtered, { settings: { metric_filterlist: "my_counter" } })],
    ["full contexts are found on Now", (given) => withPage(given, full, { settings: { heeler_max_contexts: 20 } })],
    ["a key that the intake refuses is found on Now", keyRefused],
    ["one metric shows its tags, its lines and who sends them", (given) => withPage(given, whoSends)],
];
