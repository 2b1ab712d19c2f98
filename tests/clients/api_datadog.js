// Datadog's own client for its API, with its typed models, against a Heeler: no answer may be an
// error, or of a shape that the models do not know.
//   node api_datadog.js PORT
const assert = require("node:assert");
const { client, v1, v2 } = require("@datadog/datadog-api-client");

const port = Number(process.argv[2]);
const configuration = client.createConfiguration({
    authMethods: { apiKeyAuth: "0123456789abcdef0123456789abcdef", appKeyAuth: "application-key" },
    enableRetry: false,
});
configuration.servers = [new client.ServerConfiguration(`http://127.0.0.1:${port}`, {})];

const now = () => Math.floor(Date.now() / 1000);
const until = async (what, ask) => {
    for (let i = 0; i < 600; i++) {
        const answer = await ask();
        if (answer) return answer;
        await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`${what} did not come`);
};

// Whatever a model does not know ends up in one of these members.
const assertTyped = (value, path = "") => {
    if (value === null || typeof value !== "object") return;
    assert(!value.unparsedObject, `${path} is not of its type: ${JSON.stringify(value)}`);
    assert(!value._unparsed, `${path} has a value that is not of its enumeration: ${JSON.stringify(value)}`);
    for (const [name, member] of Object.entries(value)) assertTyped(member, `${path}.${name}`);
};
const typed = async (promise) => {
    const value = await promise;
    assertTyped(value);
    return value;
};

const validation = async () => {
    const api = new v1.AuthenticationApi(configuration);
    assert.equal((await typed(api.validate())).valid, true);
};

const dashboards = async () => {
    const api = new v1.DashboardsApi(configuration);
    const body = {
        title: "made by a client",
        description: "with every kind of widget that it needs",
        layoutType: "ordered",
        templateVariables: [{ name: "host", prefix: "host", defaults: ["*"] }],
        widgets: [
            {
                definition: {
                    type: "timeseries",
                    title: "a line",
                    requests: [{ q: "avg:client.gauge{*}", displayType: "line", style: { palette: "dog_classic", lineType: "solid", lineWidth: "normal" } }],
                },
            },
            {
                definition: {
                    type: "query_value",
                    requests: [{ q: "sum:client.count{*}.as_count()", aggregator: "avg", conditionalFormats: [{ comparator: ">", value: 1, palette: "white_on_red" }] }],
                },
            },
            { definition: { type: "note", content: "a note" } },
            { definition: { type: "group", layoutType: "ordered", widgets: [{ definition: { type: "toplist", requests: [{ q: "top(avg:client.gauge{*} by {host}, 10, 'mean', 'desc')" }] } }] } },
        ],
    };
    const made = await typed(api.createDashboard({ body }));
    assert.equal(made.widgets.length, 4);
    assert(made.createdAt instanceof Date && made.widgets.every(({ id }) => Number.isInteger(id)));
    assert.deepEqual(await typed(api.getDashboard({ dashboardId: made.id })), made);
    const changed = await typed(api.updateDashboard({ dashboardId: made.id, body: { ...body, title: "changed" } }));
    assert.equal(changed.title, "changed");
    const list = await typed(api.listDashboards());
    assert(list.dashboards.some(({ id }) => id === made.id));
    const gone = await typed(api.deleteDashboard({ dashboardId: made.id }));
    assert.equal(gone.deletedDashboardId, made.id);
    await assert.rejects(api.getDashboard({ dashboardId: made.id }), ({ code }) => code === 404);
    await assert.rejects(api.createDashboard({ body: { ...body, widgets: [{ definition: { type: "timeseries", requests: [{ q: "avg:" }] } }] } }), ({ code }) => code === 400);
};

const submitting = async () => {
    const points = (value) => [{ timestamp: now(), value }];
    const metrics = new v2.MetricsApi(configuration);
    for (const contentEncoding of [undefined, "deflate", "gzip"]) {
        const answer = await typed(metrics.submitMetrics({ contentEncoding, body: { series: [
            { metric: "client.count", type: 1, interval: 10, points: points(5), tags: ["a:1"], resources: [{ name: "box", type: "host" }], unit: "byte" },
            { metric: "client.gauge", type: 3, points: points(0.5) },
        ] } }));
        assert.deepEqual(answer.errors, []);
    }
    const old = new v1.MetricsApi(configuration);
    await typed(old.submitMetrics({ body: { series: [{ metric: "client.old", type: "gauge", points: [[now(), 1.5]], host: "box", tags: ["a:1"] }] } }));
    await typed(old.submitDistributionPoints({ body: { series: [{ metric: "client.distribution", points: [[now(), [1, 2, 3]]], host: "box" }] } }));
    const checks = new v1.ServiceChecksApi(configuration);
    await typed(checks.submitServiceCheck({ body: [{ check: "client.check", hostName: "box", status: 0, tags: ["a:1"], message: "fine" }] }));
};

const events = async () => {
    const api = new v1.EventsApi(configuration);
    const made = await typed(api.createEvent({ body: { title: "from a client", text: "text", tags: ["client:1"], priority: "low", alertType: "info" } }));
    assert(Number.isInteger(made.event.id));
    const found = await until("the event", async () =>
        (await typed(api.listEvents({ start: now() - 60, end: now() + 60, tags: "client:1" }))).events.find(({ id }) => id === made.event.id));
    assert.equal(found.title, "from a client");
    assert.equal((await typed(api.getEvent({ eventId: made.event.id }))).event.text, "text");
};

const questions = async () => {
    const api = new v1.MetricsApi(configuration);
    const answer = await until("a point", async () => {
        const asked = await typed(api.queryMetrics({ from: now() - 300, to: now() + 60, query: "avg:client.line{*}" }));
        return asked.series.length > 0 && asked;
    });
    assert.equal(answer.status, "ok");
    assert((await typed(api.listActiveMetrics({ from: now() - 300 }))).metrics.includes("client.line"));
    assert((await typed(api.listMetrics({ q: "metrics:client" }))).results.metrics.includes("client.line"));
    const metadata = await typed(api.updateMetricMetadata({ metricName: "client.line", body: { type: "gauge", unit: "byte", description: "what it is" } }));
    assert.equal(metadata.unit, "byte");
    const [one] = (await typed(api.queryMetrics({ from: now() - 300, to: now() + 60, query: "max:client.line{*}" }))).series;
    assert.equal(one.unit[0].shortName, "B");
    assert.equal(one.unit[1], null);
    assert.equal((await typed(api.getMetricMetadata({ metricName: "client.line" }))).description, "what it is");
    const hosts = new v1.HostsApi(configuration);
    assert((await typed(hosts.listHosts())).hostList.length > 0);
    assert((await typed(hosts.getHostTotals())).totalUp > 0);
    const tags = new v1.TagsApi(configuration);
    await typed(tags.listHostTags());
};

(async () => {
    for (const part of [validation, dashboards, submitting, events, questions]) {
        await part();
        console.log(part.name);
    }
})().catch((problem) => {
    console.error(problem);
    process.exit(1);
});
