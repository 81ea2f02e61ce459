import assert from "node:assert/strict";
import { type Flow, requireNoCircle } from "../../../lib/pipelines/_circles.ts";

function flow(text: string): Flow {
  const [source = "", sink = ""] = text.split(">");
  return { source, sink };
}

function flows(...texts: readonly string[]): readonly Flow[] {
  return texts.map(flow);
}

Deno.test("requireNoCircle() lets rows branch, join and go their way", () => {
  requireNoCircle(flow("a>b"), []);
  requireNoCircle(flow("a>b"), flows("a>b", "a>c", "b>d", "c>d"));
  requireNoCircle(flow("d>e"), flows("a>b", "b>d"));
  requireNoCircle(flow("x>a"), flows("a>b", "b>c"));
});

Deno.test("requireNoCircle() refuses a sink that is its source", () => {
  assert.throws(() => requireNoCircle(flow("a>a"), []), {
    kind: "invalid",
    code: "sink_is_source",
    issues: [{
      path: "sink_table",
      message: "Expected another table than the source: rows would come back for ever",
    }],
  });
});

Deno.test("requireNoCircle() names the shortest way on which rows would come back", () => {
  const running = flows("b>c", "c>d", "d>a", "b>d", "x>y");
  assert.throws(() => requireNoCircle(flow("a>b"), running), (error: Error) => {
    assert.equal(Reflect.get(error, "code"), "pipelines_in_circle");
    assert.match(error.message, /a → b → d → a$/);
    return true;
  });
});

Deno.test("requireNoCircle() ends where others run in a circle already", () => {
  requireNoCircle(flow("a>b"), flows("b>c", "c>b"));
});
