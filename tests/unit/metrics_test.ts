import assert from "node:assert/strict";
import { createMetrics } from "../../lib/metrics.ts";

Deno.test("createMetrics() counts requests and their durations", async () => {
  const metrics = createMetrics();
  metrics.requestStarted();
  metrics.requestStarted();
  metrics.requestFinished({ method: "GET", route: "/a/{b}", status: 200, seconds: 0.03 });
  const { text } = await metrics.render();
  assert.match(text, /drls_http_requests_in_flight 1/);
  assert.match(text, /drls_http_requests_total\{method="GET",route="\/a\/\{b\}",status="200"\} 1/);
  assert.match(text, /duration_seconds_bucket\{le="0\.02",method="GET",route="\/a\/\{b\}"\} 0/);
  assert.match(text, /duration_seconds_bucket\{le="0\.05",method="GET",route="\/a\/\{b\}"\} 1/);
});

Deno.test("createMetrics() folds methods that clients make up into one label", async () => {
  const metrics = createMetrics();
  for (const method of ["BREW", "PROPFIND", "x".repeat(20)]) {
    metrics.requestStarted();
    metrics.requestFinished({ method, route: "r", status: 405, seconds: 0 });
  }
  assert.match((await metrics.render()).text, /\{method="OTHER",route="r",status="405"\} 3/);
});

Deno.test("addGauge() reads its value when somebody asks", async () => {
  const metrics = createMetrics();
  let value = 1;
  metrics.addGauge({ name: "drls_x_bytes", help: "X", read: () => value });
  assert.match((await metrics.render()).text, /^drls_x_bytes 1$/m);
  value = 2;
  assert.match((await metrics.render()).text, /^drls_x_bytes 2$/m);
});

Deno.test("addFamily() shows what there is now, as what it is", async () => {
  const metrics = createMetrics();
  let values = [
    { labels: { pipeline: "a" }, value: 5 },
    { labels: { pipeline: 'b"\n' }, value: 0 },
  ];
  const read = () => values;
  const labels = ["pipeline"];
  metrics.addFamily({ name: "drls_x_total", help: "X", kind: "counter", labels, read });
  metrics.addFamily({ name: "drls_y_bytes", help: "Y", kind: "gauge", labels, read });
  const { text } = await metrics.render();
  assert.match(text, /^# TYPE drls_x_total counter$/m);
  assert.match(text, /^# TYPE drls_y_bytes gauge$/m);
  assert.match(text, /^drls_x_total\{pipeline="a"\} 5$/m);
  assert.match(text, /^drls_y_bytes\{pipeline="b\\"\\n"\} 0$/m);
  values = [{ labels: { pipeline: "a" }, value: 6 }];
  const later = (await metrics.render()).text;
  assert.match(later, /^drls_x_total\{pipeline="a"\} 6$/m);
  assert.ok(!later.includes('pipeline="b'), later);
});

Deno.test("two servers in one process have metrics of their own", async () => {
  const one = createMetrics();
  const other = createMetrics();
  one.requestStarted();
  assert.match((await other.render()).text, /drls_http_requests_in_flight 0/);
});
