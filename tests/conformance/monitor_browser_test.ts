/** Live figures of pipelines in a real browser: by session, by ticket, and not from another site. */
import assert from "node:assert/strict";
import { type Browser, chromium, type Page } from "playwright-core";
import type { PipelineMetrics } from "../../lib/pipelines/mod.ts";
import { type LivePipeline, openLivePipeline } from "./_live_pipeline.ts";
import { PEERS_DIR, peerTest } from "./_peers.ts";
import { ADMIN_TOKEN } from "./_server.ts";

/** Containers have no rights for Chromium's own sandbox. */
const CHROMIUM_FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run"];
const APPEAR_TIMEOUT_MS = 20_000;
const LOOK_AGAIN_MS = 20;

/** What a page's script keeps of its socket. */
interface Seen {
  readonly messages: readonly PipelineMetrics[];
  readonly isOpen: boolean;
  readonly closed: number | null;
}

peerTest("a page in a browser watches pipelines live", ["browser"], {
  async fn(t) {
    await using live = await openLivePipeline();
    const browser = await chromium.launch({
      executablePath: `${PEERS_DIR}/chromium`,
      args: CHROMIUM_FLAGS,
    });
    try {
      await watchInPages(t, { live, browser });
    } finally {
      await browser.close();
    }
  },
});

async function watchInPages(
  t: Deno.TestContext,
  { live, browser }: { readonly live: LivePipeline; readonly browser: Browser },
): Promise<void> {
  const { url } = live.server;
  const monitor = `${url.replace("http", "ws")}/api/pipeline/monitor`;
  const page = await browser.newPage();
  page.setDefaultTimeout(APPEAR_TIMEOUT_MS);
  await page.goto(`${url}/api/docs`);
  await page.getByLabel("API token").fill(ADMIN_TOKEN);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.locator("header").getByText("admin (Admin)").waitFor();

  await t.step("a page of the server watches with its session", async () => {
    await openSocket(page, monitor);
    await live.start();
    await live.append(500);
    await until(page, ({ messages }) => messages.at(-1)?.rows_processed === 500);
    await live.append(5);
    const { messages } = await until(
      page,
      ({ messages }) => messages.at(-1)?.rows_processed === 505,
    );
    assert.deepEqual(
      [messages.at(-1)?.source_table, messages.at(-1)?.sink_table].map((name) =>
        name?.split(".").slice(-2).join(".")
      ),
      ["db.events", "db.events_copy"],
    );
  });

  await t.step("a ticket opens one socket, without a cookie", async () => {
    const ticket = await page.evaluate<string>(
      "fetch('/api/session/ticket', { method: 'POST' }).then((r) => r.json()).then((t) => t.ticket)",
    );
    await page.context().clearCookies();
    await openSocket(page, `${monitor}?ticket=${ticket}`);
    await until(page, ({ messages }) => messages.length > 0);
    await openSocket(page, `${monitor}?ticket=${ticket}`);
    assert.deepEqual(await until(page, ({ closed }) => closed !== null), {
      messages: [],
      isOpen: false,
      closed: 1006,
    });
  });

  await t.step("a page of another site gets nothing, though the browser is signed in", async () => {
    const foreign = await foreignPage(browser, url);
    try {
      await openSocket(foreign.page, monitor);
      const seen = await until(foreign.page, ({ closed }) => closed !== null);
      assert.deepEqual(seen, { messages: [], isOpen: false, closed: 1006 });
    } finally {
      await foreign.close();
    }
  });
}

/** Opens a socket whose messages the page keeps in `seen`. */
async function openSocket(page: Page, url: string): Promise<void> {
  await page.evaluate(`
    globalThis.seen = { messages: [], isOpen: false, closed: null };
    (() => {
      const seen = globalThis.seen;
      const socket = new WebSocket(${JSON.stringify(url)});
      socket.onopen = () => seen.isOpen = true;
      socket.onmessage = ({ data }) => seen.messages.push(JSON.parse(data));
      socket.onclose = ({ code }) => seen.closed = code;
    })()
  `);
}

/** What the page has seen, as soon as it is what is wanted. Its policy allows no script that waits. */
async function until(page: Page, wanted: (seen: Seen) => boolean): Promise<Seen> {
  const giveUpAt = performance.now() + APPEAR_TIMEOUT_MS;
  for (;;) {
    const seen = await page.evaluate<Seen>("globalThis.seen");
    if (wanted(seen)) return seen;
    if (performance.now() > giveUpAt) throw new Error(`Never seen: ${wanted}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
  }
}

/** A page that another server of this machine hands out, in a browser that is signed in. */
async function foreignPage(browser: Browser, url: string) {
  const site = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => new Response("<title>Elsewhere</title>", { headers: { "content-type": "text/html" } }),
  );
  const context = await browser.newContext();
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
  const signedIn = await context.request.post(`${url}/api/session`, { headers });
  assert.equal(signedIn.status(), 201);
  // Cookies know no ports: the browser would send this one along, and only the origin tells.
  const [cookie] = await context.cookies(url);
  assert.equal(cookie?.name, "drls_session");
  const page = await context.newPage();
  await page.goto(`http://127.0.0.1:${site.addr.port}/`);
  return {
    page,
    async close() {
      await context.close();
      await site.shutdown();
    },
  };
}
