/* page/server.js: the real server, as a test has it: started on ports of the kernel, sent to,
 * asked, killed and started again.
 *
 * Whoever starts one ends it, also behind a test that failed: `await server.end()`. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createSocket } from "node:dgram";
import { request as ask } from "node:http";

const PATIENCE_MS = 60000;

export const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/* What look() gives, as soon as that is something. */
export async function until(what, look) {
    for (const end = Date.now() + PATIENCE_MS; Date.now() < end; await pause(20)) {
        const found = await look();
        if (found) return found;
    }
    throw new Error(`never came true: ${what}`);
}

/* A request without a browser: { status, headers, text }. */
export function fetchPlain(port, path, { method = "GET", headers = {} } = {}) {
    return new Promise((done, failed) => {
        const one = ask({ host: "127.0.0.1", port, path, method, headers }, (answer) => {
            let text = "";
            answer.setEncoding("utf8");
            answer.on("data", (part) => { text += part; });
            answer.on("end", () => done({ status: answer.statusCode, headers: answer.headers, text }));
            answer.on("error", failed);
        });
        one.on("error", failed);
        one.end();
    });
}

/* None outlives this process, whatever ends it. */
const running = new Set();
process.on("exit", () => running.forEach((child) => child.kill("SIGKILL")));

export class Server {
    /* program: the path of heeler; settings: { key: value }, beside those of every test. */
    constructor(program, settings = {}) {
        this.program = program;
        this.settings = { bind_host: "127.0.0.1", dogstatsd_port: "__random__", dogstatsd_socket: "",
            heeler_http_listen: "127.0.0.1:0", heeler_interval: 1, hostname: "page.example", ...settings };
        this.out = createSocket("udp4");
    }

    /* this.udp and this.http are its ports; this.open that of 0.0.0.0, if it is listened on,
     * and this.traces that of traces, if they are taken. */
    async start() {
        const words = Object.entries(this.settings).flatMap(([key, value]) => ["--set", `${key}=${value}`]);
        const environment = Object.fromEntries(Object.entries(process.env).filter(([key]) => !key.startsWith("DD_")));
        this.log = "";
        this.sent = 0;
        this.child = spawn(this.program, ["run", ...words], { env: environment, stdio: ["ignore", "pipe", "pipe"] });
        this.ended = once(this.child, "exit");
        running.add(this.child);
        for (const pipe of [this.child.stdout, this.child.stderr]) pipe.on("data", (part) => { this.log += part; });
        this.udp = await this.#portOf(/listening on udp 127\.0\.0\.1:(\d+)/);
        this.http = await this.#portOf(/http: listening on 127\.0\.0\.1:(\d+)/);
        this.traces = this.settings["apm_config.enabled"] === "true" ? await this.#portOf(/traces: listening on 127\.0\.0\.1:(\d+)/) : 0;
        this.open = this.settings.heeler_http_listen.includes("0.0.0.0")
            ? await this.#portOf(/http: listening on 0\.0\.0\.0:(\d+)/) : 0;
        return this;
    }

    #portOf(pattern) {
        return until(`${pattern} in the log:\n${this.log}`, () => {
            if (this.child.exitCode !== null) throw new Error(`the server ended:\n${this.log}`);
            return Number(pattern.exec(this.log)?.[1] ?? 0);
        });
    }

    /* The same ports, and nothing of what was before. */
    async startAgain() {
        this.settings = { ...this.settings, dogstatsd_port: this.udp, heeler_http_listen: `127.0.0.1:${this.http}` };
        return this.start();
    }

    async kill() {
        this.child.kill("SIGKILL");
        await this.ended;
        running.delete(this.child);
    }

    async end() {
        if (this.child && this.child.exitCode === null && this.child.signalCode === null) await this.kill();
        this.out.close();
    }

    address(path = "/") {
        return `http://127.0.0.1:${this.http}${path}`;
    }

    /* Each line is a datagram; text, or bytes. */
    async send(...lines) {
        for (const line of lines)
            await new Promise((done, failed) => this.out.send(line, this.udp, "127.0.0.1", (problem) => (problem ? failed(problem) : done(++this.sent))));
    }

    async status() {
        return JSON.parse((await fetchPlain(this.http, "/api/v1/status")).text);
    }

    /* Waits until all that was sent has been received, and then until the interval of that moment
     * and n - 1 more have been flushed. */
    async intervals(n) {
        let end_s = 0;
        await until("what was sent is received", async () => {
            const { now_ms, ledger } = await this.status();
            end_s = Math.floor(now_ms / 1000) + n * this.settings.heeler_interval;
            return ledger.received.datagrams >= this.sent;
        });
        await until(`${n} intervals are flushed`, async () => (await this.status()).series.flushed_until_s >= end_s);
    }

    /* Waits until a series of that name was flushed. */
    async knows(metric) {
        await until(`${metric} is known`, async () =>
            (await fetchPlain(this.http, `/api/v1/catalogue/metric?name=${metric}`)).status === 200);
    }

    /* What a sub-command says. */
    async say(...words) {
        const child = spawn(this.program, words.map(String), { stdio: ["ignore", "pipe", "pipe"] });
        let said = "";
        for (const pipe of [child.stdout, child.stderr]) pipe.on("data", (part) => { said += part; });
        const [status] = await once(child, "close");
        if (status !== 0) throw new Error(`heeler ${words.join(" ")} ended with ${status}: ${said}`);
        return said;
    }
}
