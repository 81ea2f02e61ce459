/** The API about itself: its OpenAPI document, and a page that shows it. */
import { z } from "zod";
import { docsPage, signInPage } from "./_pages.ts";
import { jsonReply } from "./_reply.ts";
import { type Route, route } from "./_route.ts";

const TAG = "Documentation";

/** Documents by the routes they are about: they are generated once for each server. */
const documents = new WeakMap<readonly Route[], unknown>();

/** `GET /api/openapi.json`, `GET /api/docs` and the files of that page. */
export const documentationRoutes: readonly Route[] = [
  route({
    method: "GET",
    path: "/api/openapi.json",
    operation: "getOpenApi",
    tag: TAG,
    summary: "The OpenAPI 3.1 document of this server",
    role: "Auditor",
    answer: {
      status: 200,
      description: "OpenAPI 3.1",
      schema: z.looseObject({ openapi: z.string() }).meta({ id: "OpenApiDocument" }),
    },
    handler: async ({ routes }) => jsonReply(await documentAbout(routes)),
  }),
  route({
    method: "GET",
    path: "/api/docs",
    operation: "getDocs",
    tag: TAG,
    summary: "This documentation as a page",
    description: "A browser without a session gets a sign-in form as the body of the 401.",
    role: "Auditor",
    signInPage,
    answer: { status: 200, description: "The page", mediaTypes: ["text/html"] },
    handler: ({ ctx }) => docsPage(ctx.principal),
  }),
  route({
    method: "GET",
    path: "/api/docs/{file}",
    operation: "getDocsFile",
    tag: TAG,
    summary: "A file of the documentation page",
    role: "Auditor",
    params: z.strictObject({
      file: z.enum(["page.css", "swagger-ui.css", "swagger-ui-bundle.js", "start.js"]),
    }),
    answer: { status: 200, description: "The file", mediaTypes: ["text/css", "text/javascript"] },
    handler: async ({ params }) => {
      const { ASSETS } = await import("./_swagger_assets.ts");
      const { mediaType, text } = ASSETS[params.file];
      const headers = { "content-type": mediaType, "cache-control": "private, max-age=3600" };
      return new Response(text, { headers });
    },
  }),
];

async function documentAbout(routes: readonly Route[]): Promise<unknown> {
  const known = documents.get(routes);
  if (known !== undefined) return known;
  // The generator is not needed to serve anything else, so it does not slow down the start.
  const { openApiDocument } = await import("./_document.ts");
  const document = openApiDocument(routes);
  documents.set(routes, document);
  return document;
}
