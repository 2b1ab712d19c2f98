/* page/cases/with.js: what most cases begin and end with. */

import { Tab } from "../browser.js";
import { Server } from "../server.js";

/* A server and a page of it, ended whatever happens; the page must have had nothing to complain of. */
export async function withPage({ browser, program }, run, { settings = {}, options = {} } = {}) {
    const server = new Server(program, settings);
    let tab = null;
    try {
        await server.start();
        tab = await Tab.open(browser, new URL(server.address()).origin, options);
        await run({ server, tab, page: tab.page, browser });
        tab.check();
    } finally {
        await tab?.close();
        await server.end();
    }
}

export function same(what, seen, wanted) {
    const [a, b] = [seen, wanted].map((one) => JSON.stringify(one));
    if (a !== b) throw new Error(`${what}: ${a}, not ${b}`);
}

export function holds(what, isSo) {
    if (!isSo) throw new Error(`not so: ${what}`);
}
