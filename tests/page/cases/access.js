/* page/cases/access.js: who may look. A page of another origin may nothing; on an address that
 * other machines reach a key is asked for, and remembered by a cookie. */

import { createServer } from "node:http";
import { once } from "node:events";
import { Tab } from "../browser.js";
import { fetchPlain } from "../server.js";
import { holds, same, withPage } from "./with.js";

const KEY = "page-test-key-0001";
const OPEN = { settings: { heeler_http_listen: "127.0.0.1:0 0.0.0.0:0", heeler_app_keys: KEY } };

async function refusedOf(server) {
    return Object.values((await server.status()).http.refused_by_reason).reduce((sum, n) => sum + n, 0);
}

/* ---- a key ------------------------------------------------------------- */

async function asksForAKey({ server, browser }) {
    const origin = `http://127.0.0.1:${server.open}`;
    const tab = await Tab.open(browser, origin);
    try {
        tab.expect(/status of 401/);
        await tab.show(`${origin}/`);
        await tab.page.getByLabel("A key of").fill("page-test-key-0002");
        await tab.page.keyboard.press("Enter");
        await tab.sees("That is none of the keys.");
        await tab.page.getByLabel("A key of").fill(KEY);
        await tab.page.getByRole("button").click();
        await tab.sees("From socket to intake");
        const [cookie] = await tab.context.cookies();
        same("the cookie", [cookie.httpOnly, cookie.sameSite], [true, "Strict"]);
        const hours = (cookie.expires - Date.now() / 1000) / 3600;
        holds(`it is good for 12 hours: ${hours}`, hours > 11.9 && hours < 12.1);
        holds("scripts do not see it", (await tab.page.evaluate(() => document.cookie)) === "");
        await tab.page.reload();
        await tab.sees("From socket to intake");
        await tab.context.clearCookies();
        await tab.sees("A key is asked for", "#banner");
        tab.check();
    } finally {
        await tab.close();
    }
    const health = await fetchPlain(server.open, "/live"), status = await fetchPlain(server.open, "/api/v1/status");
    same("health and status without a key", [health.status, status.status], [200, 401]);
    const shown = await fetchPlain(server.open, "/api/v1/status", { headers: { "DD-APPLICATION-KEY": KEY } });
    same("status with the key", shown.status, 200);
}

/* ---- pages of others --------------------------------------------------- */

/* A page of somebody else, on this machine; its name makes it one of another site. */
async function withForeigner(browser, run) {
    const other = createServer((request, answer) => {
        answer.setHeader("Content-Type", "text/html");
        answer.end("<!doctype html><title>elsewhere</title><a id=link>a link</a>");
    }).listen(0, "127.0.0.1");
    await once(other, "listening");
    const context = await browser.newContext();
    try {
        const page = await context.newPage();
        for (const host of ["localhost", "127.0.0.1"]) {
            await page.goto(`http://${host}:${other.address().port}/`);
            await run(page, host);
        }
    } finally {
        await context.close();
        other.closeAllConnections?.();
        other.close();
    }
}

/* What a page can try: each is one request. */
const TRIES = {
    "reading the state": (at) => fetch(`${at}/api/v1/status`),
    "reading it unseen": (at) => fetch(`${at}/api/v1/status`, { mode: "no-cors" }),
    "reading health": (at) => fetch(`${at}/live`, { mode: "no-cors" }),
    "ending an interval": (at) => fetch(`${at}/flush`, { method: "POST", mode: "no-cors" }),
    "a key by a form": (at) => fetch(`${at}/login`, { method: "POST", mode: "no-cors", body: new URLSearchParams({ key: "x" }) }),
    "following the lines": (at) => new Promise((done) => { new EventSource(`${at}/api/v1/tail`).onerror = done; }),
    "a module of the page": (at) => import(`${at}/page/main.js`),
    "the mark as an image": (at) => new Promise((done, failed) => {
        const image = new Image();
        image.onload = () => done({ ok: true });
        image.onerror = failed;
        image.src = `${at}/page/icon.svg`;
    }),
};

async function refusesPagesOfOthers({ server, browser }) {
    const at = `http://127.0.0.1:${server.http}`;
    await withForeigner(browser, async (page, host) => {
        for (const [what, attempt] of Object.entries(TRIES)) {
            const before = await refusedOf(server);
            const got = await page.evaluate(`(${attempt})("${at}").then((answer) => answer?.ok === true, () => false)`);
            holds(`${what} from ${host} gives nothing`, got === false);
            holds(`${what} from ${host} is refused and counted`, (await refusedOf(server)) > before);
        }
    });
    same("intervals that were ended", /flush was asked for/.test(server.log), false);
}

async function isInNoFrame({ server, browser }) {
    await withForeigner(browser, async (page) => {
        await page.evaluate((at) => new Promise((done) => {
            const frame = document.createElement("iframe");
            frame.onload = done;
            frame.src = at;
            document.body.append(frame);
        }), server.address());
        const framed = page.frames().find((frame) => frame !== page.mainFrame());
        same("what is in the frame", await framed.locator("#views").count(), 0);
    });
}

async function mayBeLinkedTo({ server, browser }) {
    await withForeigner(browser, async (page) => {
        await page.evaluate((at) => { document.getElementById("link").href = at; }, server.address());
        await page.getByText("a link").click();
        await page.getByText("From socket to intake").waitFor();
    });
}

/* The name of a page that lets it lead here. */
async function refusesAnotherName({ server, browser }) {
    const context = await browser.newContext();
    try {
        const page = await context.newPage();
        const answer = await page.goto(`http://rebound.example:${server.http}/`);
        same("the answer", answer.status(), 403);
    } finally {
        await context.close();
    }
}

export const access = [
    ["on an address that others reach a form asks for a key", (given) => withPage(given, asksForAKey, OPEN)],
    ["pages of others are refused, whatever they try", (given) => withPage(given, refusesPagesOfOthers)],
    ["the page is shown in no frame", (given) => withPage(given, isInNoFrame)],
    ["a link from elsewhere leads to the page", (given) => withPage(given, mayBeLinkedTo)],
    ["a name that leads here is refused", (given) => withPage(given, refusesAnotherName)],
];
