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
`;

/** Files by name, below `/api/docs/`. */
export const ASSETS: Readonly<Record<AssetName, Asset>> = {
  "swagger-ui.css": { mediaType: "text/css; charset=utf-8", text: styles },
  "swagger-ui-bundle.js": { mediaType: "text/javascript; charset=utf-8", text: bundle },
  "start.js": { mediaType: "text/javascript; charset=utf-8", text: START },
};

/** Names of the files. */
export type AssetName = "swagger-ui.css" | "swagger-ui-bundle.js" | "start.js";
