/** API tokens. */
import { z } from "zod";
import { CreateTokenInput, MAX_ACCESS_PAGE, TokenInfo, TokenList } from "../lib/access/mod.ts";
import { pageFields, toPage } from "./_page_query.ts";
import { type Route, route } from "./_route.ts";

const TAG = "Access";

/** Longest id or user name that is looked up. */
const MAX_KEY_CHARS = 256;

const NewToken = TokenInfo.extend({
  token: z.string().describe("the token itself, shown this once"),
}).meta({ id: "NewToken" });

/** `GET` and `POST /api/tokens`, `DELETE /api/tokens/{token_id}`. */
export const tokenRoutes: readonly Route[] = [
  route({
    method: "GET",
    path: "/api/tokens",
    operation: "listTokens",
    tag: TAG,
    summary: "List API tokens, newest first",
    role: "Admin",
    query: z.strictObject({
      ...pageFields(MAX_ACCESS_PAGE),
      user: z.string().min(1).max(MAX_KEY_CHARS).optional()
        .meta({ description: "Only tokens of this user" }),
    }),
    answer: { status: 200, description: "What is known of the tokens", schema: TokenList },
    handler: ({ ctx, query, services }) =>
      services.access.listTokens(ctx, {
        ...toPage(query, MAX_ACCESS_PAGE),
        ...(query.user === undefined ? {} : { user: query.user }),
      }),
  }),
  route({
    method: "POST",
    path: "/api/tokens",
    operation: "createToken",
    tag: TAG,
    summary: "Create an API token for a user",
    role: "Admin",
    body: { schema: CreateTokenInput },
    answer: { status: 201, description: "The new token; it is shown this once", schema: NewToken },
    errors: ["not_found", "conflict"],
    handler: async ({ ctx, body, services }) => {
      const { token, secret } = await services.access.createToken(ctx, body);
      return { token: secret.reveal(), ...token };
    },
  }),
  route({
    method: "DELETE",
    path: "/api/tokens/{token_id}",
    operation: "revokeToken",
    tag: TAG,
    summary: "Revoke an API token",
    description: "Takes effect at once; revoking again is no error.",
    role: "Admin",
    params: z.strictObject({ token_id: z.string().min(1).max(MAX_KEY_CHARS) }),
    answer: { status: 200, description: "The revoked token", schema: TokenInfo },
    errors: ["not_found"],
    handler: ({ ctx, params, services }) =>
      services.access.revokeToken(ctx, { id: params.token_id }),
  }),
];
