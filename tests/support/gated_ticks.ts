/** Moments of a tick at which tests hold it up. */
import type { TickRunner } from "../../lib/pipelines/mod.ts";
import type { Gate } from "./rival_pipelines.ts";

/** The first commit waits before its server is asked for leave. */
export function gatedBefore(gate: Gate): (runner: TickRunner) => TickRunner {
  return gated(gate, async (pass, leave) => {
    await pass();
    await leave();
  });
}

/** The first commit waits when it has leave. */
export function gatedAfter(gate: Gate): (runner: TickRunner) => TickRunner {
  return gated(gate, async (pass, leave) => {
    await leave();
    await pass();
  });
}

function gated(
  gate: Gate,
  order: (pass: () => Promise<void>, leave: () => Promise<void>) => Promise<void>,
) {
  return (runner: TickRunner): TickRunner => {
    let commits = 0;
    return {
      park: (id) => runner.park(id),
      run: (id, params, options) =>
        runner.run(id, params, {
          ...options,
          async onCommit(note) {
            const leave = async () => void await options.onCommit?.(note);
            const pass = () => commits++ === 0 ? gate.pass() : Promise.resolve();
            await order(pass, leave);
          },
        }),
    };
  };
}

/** The first batch comes through, and its server does not hear of it until the gate opens. */
export function deaf(gate: Gate): (runner: TickRunner) => TickRunner {
  return (runner) => {
    let batches = 0;
    return {
      park: (id) => runner.park(id),
      async run(id, params, options) {
        const result = await runner.run(id, params, options);
        if (result.kind === "batch" && batches++ === 0) await gate.pass();
        return result;
      },
    };
  };
}

/** The first tick that finds rows waits before it begins. */
export function waiting(gate: Gate): (runner: TickRunner) => TickRunner {
  return (runner) => {
    let isOver = false;
    return {
      park: (id) => runner.park(id),
      async run(id, params, options) {
        const isEmpty = params.source.kind === "file" &&
          params.source.metadataLocation.endsWith("/v1.metadata.json");
        if (!isEmpty && !isOver) {
          isOver = true;
          await gate.pass();
        }
        return await runner.run(id, params, options);
      },
    };
  };
}

/** Where the stream begins is not recorded until the gate opens. */
export function hesitating(gate: Gate): (runner: TickRunner) => TickRunner {
  return (runner) => {
    let begins = 0;
    return {
      park: (id) => runner.park(id),
      async run(id, params, options) {
        const result = await runner.run(id, params, options);
        if (result.kind === "begin" && begins++ === 0) await gate.pass();
        return result;
      },
    };
  };
}
