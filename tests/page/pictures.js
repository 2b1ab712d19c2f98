/* page/pictures.js: the pictures of the README, of a real server under load.
 *
 *   node tests/page/pictures.js PROGRAM FOLDER
 *
 * For three minutes a shop of eight hosts sends some 6,000 lines a second, a few of them bad, and an
 * intake of our own takes the payloads. Then now.png and query.png are taken. Look at them. */

import { createServer } from "node:http";
import { once } from "node:events";
import { statSync } from "node:fs";
import { openBrowser, Tab } from "./browser.js";
import { pause, Server } from "./server.js";

const [program, folder] = process.argv.slice(2);
const LOAD_MS = 180000, DATAGRAM_MS = 4, LINES = 24, ROUTES = ["cart", "checkout", "search", "product", "login"];
const TOGETHER_MAX = 200 * 1024;

/* ---- the intake -------------------------------------------------------- */

async function openIntake() {
    const intake = createServer((request, answer) => {
        request.resume();
        request.on("end", () => {
            answer.writeHead(request.method === "POST" ? 202 : 200, { "Content-Type": "application/json" });
            answer.end("{\"valid\":true}");
        });
    }).listen(0, "127.0.0.1");
    await once(intake, "listening");
    return intake;
}

/* ---- the shop ---------------------------------------------------------- */

const one = (list) => list[Math.floor(Math.random() * list.length)];

/* About the mean, and now and then far above. */
const skewed = (mean) => mean * Math.exp(0.35 * (Math.random() + Math.random() + Math.random() - 1.5));

/* A route has its pace, a slow wave, and one of them a bad minute. */
function latency(route, second) {
    const at = ROUTES.indexOf(route), wave = 1 + 0.2 * Math.sin(second / (17 + 5 * at) + at);
    const worse = route === "checkout" && second > 80 && second < 125 ? 1.9 : 1;
    return skewed(18 + 14 * at) * wave * worse;
}

function line(second) {
    const route = one(ROUTES), tags = `#env:live,route:${route},host:web-${1 + Math.floor(Math.random() * 8)}`;
    const dice = Math.random();
    if (dice < 0.4) return `shop.requests:1|c|${tags},status:${Math.random() < 0.97 ? 200 : 500}`;
    if (dice < 0.75) return `shop.latency:${latency(route, second).toFixed(1)}|d|${tags}`;
    if (dice < 0.85) return `shop.queue.depth:${Math.round(skewed(40))}|g|${tags}`;
    if (dice < 0.92) return `shop.visitors:${Math.floor(Math.random() * 4000)}|s|${tags}`;
    if (dice < 0.9985) return `shop.render:${skewed(6).toFixed(2)}|ms|${tags}`;
    return `shop.renders:${skewed(6).toFixed(2)}|msec|${tags}`;
}

/* What a busy machine kept from being sent is left out, so that there is no burst behind it. */
async function load(server) {
    const begun = Date.now();
    let due = 0;
    for (let before = 0, passed = 0; passed < LOAD_MS; before = passed, passed = Date.now() - begun) {
        const second = passed / 1000;
        due += (Math.min(passed - before, 20 * DATAGRAM_MS) / DATAGRAM_MS) * (1 + 0.25 * Math.sin(second / 11));
        for (; due >= 1; due--) await server.send(Array.from({ length: LINES }, () => line(second)).join("\n"));
        await pause(DATAGRAM_MS);
    }
}

/* ---- the pictures ------------------------------------------------------ */

async function take(tab, name, height) {
    const path = `${folder}/${name}.png`;
    await tab.page.setViewportSize({ width: 1200, height });
    await tab.page.evaluate(() => scrollTo(0, 0));
    await pause(1500);
    await tab.page.screenshot({ path });
    return statSync(path).size;
}

const intake = await openIntake();
const server = new Server(program, { hostname: "web-1.shop.example", bind_host: "localhost", heeler_interval: 5,
    api_key: "0".repeat(32), dd_url: `http://127.0.0.1:${intake.address().port}` });
const browser = await openBrowser();
let size = 0;
try {
    await server.start();
    const tab = await Tab.open(browser, new URL(server.address()).origin, { timezoneId: "UTC" });
    const from = Math.ceil(Date.now() / 1000) + 5;
    await tab.show(server.address());
    const loading = load(server);
    await pause(LOAD_MS - 15000);
    size += await take(tab, "now", 1000);
    await tab.turnTo(`#/query?q=p95:shop.latency{env:live} by {route}&range=free&from=${from}&to=${from + LOAD_MS / 1000 - 30}`);
    await tab.sees("route:checkout", ".groups");
    size += await take(tab, "query", 930);
    await loading;
    tab.check();
    await tab.close();
} finally {
    await browser.close();
    await server.end();
    intake.closeAllConnections?.();
    intake.close();
}
console.log(`${folder}/now.png and ${folder}/query.png: ${Math.ceil(size / 1024)} KiB together`);
if (size > TOGETHER_MAX) {
    console.error("that is more than 200 KiB");
    process.exitCode = 1;
}
