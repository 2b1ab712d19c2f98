/* page/cases/going.js: the server is killed and comes back; the page says so and goes on. */

import { until } from "../browser.js";
import { holds, same, withPage } from "./with.js";

const REFUSED = /ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_NETWORK/;

export async function recovers({ server, tab }, hash, showsThatItIsBack) {
    tab.expect(REFUSED);
    await tab.show(server.address(`/${hash}`));
    const pid = (await server.status()).pid;
    await tab.sees(`process ${pid}`, "footer");
    await server.kill();
    await tab.sees("The server does not answer", "#banner");
    await Promise.all([tab.sees("The server is back", "#banner"), server.startAgain()]); /* it is said for six seconds */
    await tab.sees(`process ${(await server.status()).pid}`, "footer");
    await showsThatItIsBack();
    await tab.page.locator("#banner").waitFor({ state: "hidden" });
}

async function nowRecovers(given) {
    await recovers(given, "#/now", async () => {
        await given.server.send("page.after:1|c");
        await until("the flow shows it", async () => (await given.tab.textOf(".flow .stage")).includes("1 in all"));
    });
    same("what is from before is not marked", await given.page.locator("body.stale").count(), 0);
}

async function metricsRecovers(given) {
    await given.server.send("page.before:1|c");
    await recovers(given, "#/metrics", async () => {
        await given.server.send("page.after:1|c");
        await given.tab.sees("page.after", "table");
    });
    holds("what was before is forgotten", !(await given.tab.textOf("main")).includes("page.before"));
}

export const going = [
    ["Now says that the server is gone, and recovers", (given) => withPage(given, nowRecovers)],
    ["Metrics says that the server is gone, and recovers", (given) => withPage(given, metricsRecovers)],
];
