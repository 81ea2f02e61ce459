/** The documentation page in a real browser: it renders, obeys its own policy, and signs in and out. */
import assert from "node:assert/strict";
import { type Browser, chromium, type Page } from "playwright-core";
import { PEERS_DIR, peerTest } from "./_peers.ts";
import { ADMIN_TOKEN, type Server, startServer } from "./_server.ts";

const WAREHOUSE = await Deno.realPath("../shared/fixtures/iceberg/equality_deletes/warehouse");

/** Containers have no rights for Chromium's own sandbox; it shall reach no host but the server. */
const CHROMIUM_FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Longest wait for anything to appear: the page parses more than a megabyte of script. */
const APPEAR_TIMEOUT_MS = 20_000;

peerTest("the documentation works in a browser, from sign-in to sign-out", ["browser"], {
  fn: async (t) => {
    await using server = await startServer({ DRLS_WAREHOUSE: WAREHOUSE });
    const browser = await chromium.launch({
      executablePath: `${PEERS_DIR}/chromium`,
      args: CHROMIUM_FLAGS,
    });
    try {
      await walkThrough(t, { server, browser });
    } finally {
      await browser.close();
    }
  },
});

async function walkThrough(
  t: Deno.TestContext,
  { server, browser }: { readonly server: Server; readonly browser: Browser },
): Promise<void> {
  const page = await browser.newPage();
  page.setDefaultTimeout(APPEAR_TIMEOUT_MS);
  const seen = watch(page, server.url);
  await page.goto(`${server.url}/api/docs`);

  await t.step("a wrong token is refused with the reason", async () => {
    await signIn(page, "drls_not-a-token-of-this-server");
    await page.getByRole("alert").getByText("the token is not known here").waitFor();
    // The form itself and the attempt; browsers report each 401 as an error of the network.
    const complaints = seen.complaints.splice(0);
    assert.equal(complaints.length, 2, complaints.join("\n"));
    for (const complaint of complaints) assert.match(complaint, /status of 401/);
  });

  await t.step("a token signs in, and every operation is shown", async () => {
    await signIn(page, ADMIN_TOKEN);
    await page.locator("header").getByText("admin (Admin)").waitFor();
    await page.locator(".opblock").first().waitFor();
    const { paths } = await server.get<{ paths: Record<string, object> }>("/openapi.json");
    const operations = Object.values(paths).flatMap((item) => Object.keys(item)).length;
    assert.equal(await page.locator(".opblock").count(), operations);
    assert.equal(await page.locator(".errors-wrapper").count(), 0);
  });

  await t.step("an operation expands, and runs with the session", async () => {
    const operation = page.locator("#operations-Catalog-listTables");
    await operation.locator(".opblock-summary").click();
    await operation.getByRole("button", { name: "Try it out" }).click();
    await operation.getByRole("button", { name: "Execute" }).click();
    const body = operation.locator(".live-responses-table .highlight-code code");
    assert.deepEqual(JSON.parse(await body.innerText()), await server.get("/tables"));
  });

  await t.step("scripts see no credential", async () => {
    const cookies = await page.context().cookies();
    assert.deepEqual(
      cookies.map(({ name, httpOnly, sameSite }) => ({ name, httpOnly, sameSite })),
      [
        { name: "drls_session", httpOnly: true, sameSite: "Strict" },
      ],
    );
    assert.equal(await page.evaluate("document.cookie + JSON.stringify(localStorage)"), "{}");
  });

  await t.step("nothing was blocked, failed or left this server", () => {
    assert.deepEqual(seen, { complaints: [], elsewhere: [] });
  });

  await t.step("signing out ends the session", async () => {
    const [cookie] = await page.context().cookies();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByLabel("API token").waitFor();
    const headers = { cookie: `${cookie?.name}=${cookie?.value}`, "sec-fetch-site": "same-origin" };
    const answer = await fetch(`${server.url}/api/tables`, { headers });
    assert.equal((await answer.json()).status, 401);
  });
}

async function signIn(page: Page, token: string): Promise<void> {
  await page.getByLabel("API token").fill(token);
  await page.getByRole("button", { name: "Sign in" }).click();
}

/** Collects what the browser complains of, and requests to other hosts. */
function watch(page: Page, origin: string) {
  const complaints: string[] = [];
  const elsewhere: string[] = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("requestfailed", (request) => complaints.push(`Failed: ${request.url()}`));
  page.on("request", (request) => {
    if (!/^data:/.test(request.url()) && !request.url().startsWith(`${origin}/`)) {
      elsewhere.push(request.url());
    }
  });
  return { complaints, elsewhere };
}
