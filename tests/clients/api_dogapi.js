// An old client that speaks TLS alone, through a front of our own, against a Heeler: timeboards,
// monitors and downtimes made, read, changed and deleted, a search, an event, a series and a question.
//   node api_dogapi.js PORT KEY_FILE CERTIFICATE_FILE
const assert = require("node:assert");
const fs = require("node:fs");
const net = require("node:net");
const tls = require("node:tls");
const dogapi = require("dogapi");

const [port, key, certificate] = process.argv.slice(2);

const front = tls.createServer({ key: fs.readFileSync(key), cert: fs.readFileSync(certificate) }, (from) => {
    const to = net.connect(Number(port), "127.0.0.1");
    from.pipe(to).pipe(from);
    for (const end of [from, to]) end.on("error", () => { from.destroy(); to.destroy(); });
});

// The result of one call; an error of the API is thrown.
const call = (of, ...rest) =>
    new Promise((resolve, reject) =>
        of(...rest, (error, result, status) =>
            error ? reject(Object.assign(new Error(JSON.stringify(error)), { status })) : resolve(result)));

const graphs = [
    { title: "a line", definition: { viz: "timeseries", events: [], requests: [{ q: "avg:client.line{*}", stacked: false }] } },
    { title: "a band", definition: { viz: "timeseries", requests: [{ q: "anomalies(avg:client.line{*}, 'basic', 2)" }] } },
];

const timeboards = async () => {
    const { timeboard } = dogapi;
    const made = await call(timeboard.create, "old client", "by dogapi", graphs, [{ name: "host", prefix: "host", default: "*" }]);
    assert.deepEqual(made.dash.graphs, graphs);
    const got = await call(timeboard.get, made.dash.id);
    assert.deepEqual(got, made);
    const changed = await call(timeboard.update, made.dash.id, "changed", "by dogapi", graphs.slice(1));
    assert.equal(changed.dash.title, "changed");
    const all = await call(timeboard.getAll);
    assert(all.dashes.some(({ id }) => id === String(made.dash.id)));
    await call(timeboard.remove, made.dash.id);
    await assert.rejects(call(timeboard.get, made.dash.id), ({ status }) => status === 404);
};

const monitors = async () => {
    const { monitor } = dogapi;
    const query = "avg(last_5m):avg:client.line{*} > 800";
    const options = { thresholds: { critical: 800, warning: 500 }, notify_no_data: true, no_data_timeframe: 10 };
    const made = await call(monitor.create, "metric alert", query, { name: "old client", message: "@someone@example.org", tags: ["team:old"], options });
    assert.equal(made.options.no_data_timeframe, 10);
    assert.equal((await call(monitor.get, made.id, ["all"])).query, query);
    assert.equal((await call(monitor.update, made.id, query, { message: "changed" })).message, "changed");
    assert((await call(monitor.getAll, { group_states: ["all"], monitor_tags: ["team:old"] })).some(({ id }) => id === made.id));
    assert.deepEqual((await call(monitor.mute, made.id)).options.silenced, { "*": null });
    assert.equal((await call(monitor.mute, made.id, { scope: "host:a", end: 1900000000 })).options.silenced["host:a"], 1900000000);
    assert.deepEqual((await call(monitor.unmute, made.id, "host:a")).options.silenced, { "*": null });
    assert.deepEqual((await call(monitor.unmute, made.id)).options.silenced, {});
    assert.deepEqual((await call(monitor.muteAll)).scope, ["*"]);
    await call(monitor.unmuteAll);
    assert.equal((await call(monitor.remove, made.id)).deleted_monitor_id, made.id);
    await assert.rejects(call(monitor.get, made.id), ({ status }) => status === 404);
};

const downtimes = async () => {
    const { downtime } = dogapi;
    const made = await call(downtime.create, "env:old", { end: Math.floor(Date.now() / 1000) + 3600, message: "by dogapi" });
    assert.equal(made.active, true);
    assert.equal((await call(downtime.get, made.id)).message, "by dogapi");
    assert.equal((await call(downtime.update, made.id, { message: "changed" })).message, "changed");
    assert((await call(downtime.getAll)).some(({ id }) => id === made.id));
    await call(downtime.remove, made.id);
    assert.equal((await call(downtime.get, made.id)).disabled, true);
};

const others = async () => {
    const now = Math.floor(Date.now() / 1000);
    assert.equal((await call(dogapi.metric.send, "client.old", [[now, 1]], { type: "count" })).status, "ok");
    assert.equal((await call(dogapi.event.create, "from dogapi", "text", { tags: ["client:2"] })).status, "ok");
    assert((await call(dogapi.search.query, "metrics:client.line")).results.metrics.includes("client.line"));
    assert.equal((await call(dogapi.metric.query, now - 300, now, "avg:client.line{*}")).status, "ok");
};

front.listen(0, "127.0.0.1", async () => {
    dogapi.initialize({ api_key: "0".repeat(32), app_key: "0".repeat(40), api_host: "127.0.0.1" });
    dogapi.client.http_options = { port: front.address().port, rejectUnauthorized: false };
    try {
        for (const part of [timeboards, monitors, downtimes, others]) {
            await part();
            console.log(part.name);
        }
        process.exit(0);
    } catch (problem) {
        console.error(problem);
        process.exit(1);
    }
});
