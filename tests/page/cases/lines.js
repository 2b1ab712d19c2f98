/* page/cases/lines.js: the lines as they arrive. */

import { recovers } from "./going.js";
import { ESCAPES, isText, MARKUP, SHOWN } from "./strangers.js";
import { same, withPage } from "./with.js";

async function showsItsReason({ server, tab, page }) {
    await tab.show(server.address("/#/lines?bad=1"));
    await tab.sees("Waiting for lines");
    await server.send("page.good:1|c", "page.bad:1|q");
    await tab.sees("page.bad:1|q", ".lines");
    await tab.sees("the type is none of c g ms h s d", ".lines");
    same("the byte at fault", await tab.textOf(".lines mark"), "q");
    same("bad lines only", await page.locator(".lines").getByText("page.good").count(), 0);
}

async function areTextInLines({ server, tab, page }) {
    await tab.show(server.address("/#/lines"));
    await tab.sees("Waiting for lines");
    await server.send(`${MARKUP}:1|q`, `${ESCAPES}:1|g`);
    await tab.sees(MARKUP, ".lines");
    await tab.sees(SHOWN, ".lines");
    await isText(page);
}

async function linesRecovers(given) {
    await recovers(given, "#/lines", async () => {
        await given.tab.sees("Waiting for lines");
        await given.server.send("page.after:1|c");
        await given.tab.sees("page.after:1|c", ".lines");
    });
}

export const lines = [
    ["a bad line shows its reason in Lines", (given) => withPage(given, showsItsReason)],
    ["lines of strangers are text", (given) => withPage(given, areTextInLines)],
    ["Lines says that the server is gone, and recovers", (given) => withPage(given, linesRecovers)],
];
