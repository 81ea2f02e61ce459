/**
 * The documentation viewer's files, out of their npm package: imported as text, so that a compiled
 * binary carries them too and nothing comes from another host. Loaded when first asked for.
 */
import bundle from "swagger-ui-dist/swagger-ui-bundle.js" with { type: "text" };
import styles from "swagger-ui-dist/swagger-ui.css" with { type: "text" };

/** A file of the viewer. */
export interface Asset {
  readonly mediaType: string;
  readonly text: string;
}

/** Starts the viewer; same-origin, because the page's policy allows no inline script. */
const START = `"use strict";
window.ui = SwaggerUIBundle({
  url: "/api/openapi.json",
  dom_id: "#docs",
  deepLinking: true,
  displayRequestDuration: true,
  // The validator badge would send the document to another host.
  validatorUrl: null,
});
document.querySelector("#sign-out")?.addEventListener("click", async () => {
  const answer = await fetch("/api/session", { method: "DELETE" }).catch(() => null);
  // 401: the session had ended by itself, so the sign-in form is what there is to show.
  if (answer !== null && (answer.ok || answer.status === 401)) location.reload();
});
`;

/** What the page has above the viewer: who is signed in. */
const PAGE_STYLE = `body { margin: 0 }
header { display: flex; gap: 1rem; align-items: center; justify-content: flex-end;
  padding: .6rem 1.5rem; background: #1b2430; color: #fff; font: 14px/1.4 system-ui, sans-serif }
header strong { margin-right: auto; font-size: 1.1rem }
header button { font: inherit; padding: .2rem .7rem; cursor: pointer }
`;

/** Files by name, below `/api/docs/`. */
export const ASSETS: Readonly<Record<AssetName, Asset>> = {
  "page.css": { mediaType: "text/css; charset=utf-8", text: PAGE_STYLE },
  "swagger-ui.css": { mediaType: "text/css; charset=utf-8", text: styles },
  "swagger-ui-bundle.js": { mediaType: "text/javascript; charset=utf-8", text: bundle },
  "start.js": { mediaType: "text/javascript; charset=utf-8", text: START },
};

/** Names of the files. */
export type AssetName = "page.css" | "swagger-ui.css" | "swagger-ui-bundle.js" | "start.js";
