/** The two pages of the server: the API's documentation, and the form that signs a browser in. */
import type { Principal } from "../lib/access/mod.ts";

/** Lets the viewer run from our own files only; `data:` is for the icons in its style sheet. */
const DOCS_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** Without it browsers ask for a file that there is not. */
const NO_ICON = '<link rel="icon" href="data:,">';

const docs = (header: string) =>
  `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>drls API</title>
${NO_ICON}
<link rel="stylesheet" href="/api/docs/swagger-ui.css">
<link rel="stylesheet" href="/api/docs/page.css">
<header><strong>drls</strong>${header}</header>
<div id="docs"></div>
<script src="/api/docs/swagger-ui-bundle.js"></script>
<script src="/api/docs/start.js"></script>
</html>
`;

/** The token goes into a header, never into an address; what stays is a cookie out of reach. */
const SIGN_IN_SCRIPT = `
document.querySelector("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const token = document.querySelector("input").value.trim();
  const headers = { authorization: "Bearer " + token };
  const answer = await fetch("/api/session", { method: "POST", headers }).catch(() => null);
  const body = answer === null ? null : await answer.json().catch(() => null);
  if (answer !== null && answer.ok) return location.reload();
  document.querySelector("output").textContent = body?.detail ?? "Cannot reach the server";
});
`;

const SIGN_IN_STYLE = `
body { font: 16px/1.5 system-ui, sans-serif; max-width: 28rem; margin: 15vh auto; padding: 0 1rem }
input, button { font: inherit; padding: .4rem .6rem }
input { width: 100%; box-sizing: border-box; margin: .3rem 0 .8rem }
output { display: block; margin-top: .8rem; color: #b00020 }
p { margin-top: 2rem; color: #555; font-size: .9em }
`;

const SIGN_IN = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sign in to drls</title>
${NO_ICON}
<style>${SIGN_IN_STYLE}</style>
<h1>drls</h1>
<form>
<label>API token <input type="password" autocomplete="off" required autofocus></label>
<button>Sign in</button>
<output role="alert"></output>
</form>
<p>The first start of the server prints a token; <code>deno task token</code> and
<code>POST /api/tokens</code> create further ones.</p>
<script>${SIGN_IN_SCRIPT}</script>
</html>
`;

/** The documentation page for `principal`; only a session can be signed out of. */
export function docsPage({ name, role, credential }: Principal): Response {
  const who = `<span>${escapeHtml(name)} (${role})</span>`;
  const signOut = credential.kind === "session" ? '<button id="sign-out">Sign out</button>' : "";
  return page(docs(who + signOut), { status: 200, policy: DOCS_POLICY });
}

/** The sign-in form, as the body of a 401: it shows nothing that needs a principal. */
export async function signInPage(): Promise<Response> {
  const [script, style] = await Promise.all([sha256(SIGN_IN_SCRIPT), sha256(SIGN_IN_STYLE)]);
  const policy = `default-src 'none'; script-src '${script}'; style-src '${style}'; ` +
    "img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
  return page(SIGN_IN, { status: 401, policy });
}

function page(html: string, options: { status: number; policy: string }): Response {
  return new Response(html, {
    status: options.status,
    headers: {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": options.policy,
      ...(options.status === 401 ? { "www-authenticate": 'Bearer realm="drls"' } : {}),
    },
  });
}

/** Names of JWT users are whatever their issuer says. */
function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}

/** A source expression for one inline script or style. */
async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return `sha256-${btoa(String.fromCharCode(...new Uint8Array(digest)))}`;
}
