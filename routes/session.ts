/** Sign-in for browsers, and tickets for their WebSockets. */
import { z } from "zod";
import { RoleName } from "../lib/access/mod.ts";
import { emptyReply, jsonReply } from "./_reply.ts";
import { type Route, route } from "./_route.ts";
import { expiredSessionCookie, sessionCookie } from "./_session_cookie.ts";

const TAG = "Access";

const Session = z.object({
  principal: z.string().describe("name of who is signed in"),
  role: RoleName,
  expires_at: z.string().describe("ISO 8601 time, UTC"),
}).meta({ id: "Session" });

const Ticket = z.object({
  ticket: z.string().describe("for one WebSocket, as its query parameter `ticket`"),
  expires_at: z.string().describe("ISO 8601 time, UTC"),
}).meta({ id: "Ticket" });

/** `POST` and `DELETE /api/session`, `POST /api/session/ticket`. */
export const sessionRoutes: readonly Route[] = [
  route({
    method: "POST",
    path: "/api/session",
    operation: "createSession",
    tag: TAG,
    summary: "Sign a browser in",
    description: "Send a bearer credential; the answer sets a cookie that scripts cannot read, " +
      "bound to the origin of the page that asked.",
    role: "Auditor",
    answer: {
      status: 201,
      description: "Signed in",
      schema: Session,
      headers: { "Set-Cookie": "The session" },
    },
    handler: async ({ ctx, origin, services }) => {
      const { secret, expiresAtMs } = await services.access.createSession(ctx, { origin });
      const maxAgeSeconds = Math.max(0, Math.floor((expiresAtMs - services.clock.now()) / 1000));
      const cookie = sessionCookie({ secret: secret.reveal(), maxAgeSeconds, origin });
      const { name: principal, role } = ctx.principal;
      const body: z.infer<typeof Session> = {
        principal,
        role,
        expires_at: new Date(expiresAtMs).toISOString(),
      };
      return jsonReply(body, { status: 201, headers: { "set-cookie": cookie } });
    },
  }),
  route({
    method: "DELETE",
    path: "/api/session",
    operation: "deleteSession",
    tag: TAG,
    summary: "Sign a browser out",
    role: "Auditor",
    answer: { status: 204, description: "Signed out", headers: { "Set-Cookie": "No session" } },
    handler: async ({ ctx, origin, services }) => {
      await services.access.logout(ctx);
      return emptyReply({ "set-cookie": expiredSessionCookie(origin) });
    },
  }),
  route({
    method: "POST",
    path: "/api/session/ticket",
    operation: "createTicket",
    tag: TAG,
    summary: "Get a ticket for one WebSocket",
    description: "Valid for seconds, once, from the origin of the page that asked.",
    role: "Auditor",
    answer: { status: 201, description: "The ticket", schema: Ticket },
    handler: async ({ ctx, origin, services }) => {
      const { secret, expiresAtMs } = await services.access.createTicket(ctx, { origin });
      return { ticket: secret.reveal(), expires_at: new Date(expiresAtMs).toISOString() };
    },
  }),
];
