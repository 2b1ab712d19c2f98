/* page/browser.js: a browser that sees only this machine, and pages in it that are watched.
 *
 * A tab notes what is wrong in it all the time: messages in the console, exceptions, requests to
 * anybody but its server. watched.check() throws when there was any. The policy of the page
 * stays on: what looks for barriers (axe) comes in by the debugger, which it does not concern. */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";
import { until } from "./server.js";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/* No name leads anywhere but that of a page that lets its own name lead here. */
const NAMES = "MAP rebound.example 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost";

export const WIDE = { width: 1280, height: 800 }, PHONE = { width: 360, height: 740 };

export function openBrowser() {
    return chromium.launch({ executablePath: "/usr/bin/chromium", timeout: 120000, args: [`--host-resolver-rules=${NAMES}`] });
}

export class Tab {
    #problems = [];
    #expected = [];

    /* origin: where requests may go. */
    static async open(browser, origin, options = {}) {
        const tab = new Tab();
        tab.context = await browser.newContext({ viewport: WIDE, colorScheme: "light", timezoneId: "Asia/Kolkata", ...options });
        tab.page = await tab.context.newPage();
        tab.page.setDefaultTimeout(60000);
        tab.page.on("console", (said) => {
            if (["error", "warning"].includes(said.type())) tab.#problems.push(`console: ${said.text()} (${said.location().url})`);
        });
        tab.page.on("pageerror", (problem) => tab.#problems.push(`exception: ${problem.stack ?? problem}`));
        tab.page.on("dialog", (dialog) => {
            tab.#problems.push(`dialog: ${dialog.message()}`);
            dialog.dismiss();
        });
        tab.page.on("request", (request) => {
            const url = new URL(request.url());
            if (url.origin !== origin && url.protocol !== "data:") tab.#problems.push(`asks elsewhere: ${url}`);
        });
        return tab;
    }

    /* Console messages like that are no fault here: the browser tells of each answer that is none. */
    expect(pattern) {
        this.#expected.push(pattern);
    }

    check() {
        const wrong = this.#problems.filter((problem) => !this.#expected.some((pattern) => pattern.test(problem)));
        if (wrong.length > 0) throw new Error(`the browser says:\n  ${wrong.join("\n  ")}`);
    }

    async close() {
        await this.context.close();
    }

    async show(address) {
        await this.page.goto(address, { waitUntil: "load" });
    }

    /* By the address alone, as a link does it. */
    async turnTo(hash) {
        await this.page.evaluate((next) => { location.hash = next; }, hash);
    }

    /* The first element with that text in it. */
    async sees(text, within = "body") {
        await this.page.locator(within).getByText(text).first().waitFor({ state: "visible" });
    }

    /* The list of what may stand there, as it is for what is written now: another one takes back what was chosen. */
    async isOffered(text) {
        await this.sees(text, "#offers[aria-busy=false]");
    }

    async textOf(selector) {
        return this.page.locator(selector).first().innerText();
    }

    /* ---- barriers ------------------------------------------------------ */

    /* What axe finds, as lines; nothing: no barrier. */
    async barriers() {
        if (!(await this.page.evaluate(() => "axe" in window))) await this.page.evaluate(axe);
        const { violations } = await this.page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
        return violations.flatMap((rule) => rule.nodes.map((node) => `${rule.id} (${rule.help}): ${node.target} ${node.html.slice(0, 200)}`));
    }

    /* What is wider than the screen. */
    async tooWide() {
        return this.page.evaluate(() => {
            const root = document.scrollingElement;
            if (root.scrollWidth <= root.clientWidth) return [];
            return [...document.querySelectorAll("body *")]
                .filter((node) => node.getBoundingClientRect().right > root.clientWidth + 1 && !node.closest(".scroll, pre, .tall"))
                .map((node) => `${node.tagName.toLowerCase()}.${node.className} reaches to ${Math.round(node.getBoundingClientRect().right)}`);
        });
    }

    async look(scheme, size) {
        await this.page.emulateMedia({ colorScheme: scheme });
        await this.page.setViewportSize(size);
        await this.page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    }

    /* How many dots of the first chart have the colour of its first series. */
    async dotsDrawn() {
        this.expect(/Multiple readback operations/); /* of ours: a drawing that is looked at before it is there is read twice */
        return this.page.evaluate(() => {
            const canvas = document.querySelector("figure.chart canvas");
            if (!canvas || canvas.width === 0) return 0;
            const hex = getComputedStyle(document.documentElement).getPropertyValue("--series-0").trim();
            const wanted = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
            const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            let dots = 0;
            for (let i = 0; i < data.length; i += 4)
                if (data[i + 3] > 200 && wanted.every((value, c) => Math.abs(data[i + c] - value) < 12)) dots++;
            return dots;
        });
    }
}

/* [[cell]] of the table in that box. */
export function cellsOf(page, box) {
    return page.locator(box).locator("tbody tr").evaluateAll((rows) => rows.map((row) => [...row.cells].map((cell) => cell.innerText.trim())));
}

export { until };
