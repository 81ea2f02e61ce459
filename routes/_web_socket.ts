/** From a request to a WebSocket (RFC 6455): what is not one is told so, before anything is taken. */
import { AppError } from "../lib/errors.ts";
import { WEB_SOCKET_VERSION } from "./_problem.ts";

/** A socket that opens once its answer is sent. */
export interface Upgraded {
  readonly socket: WebSocket;
  /** 101; has to be what the handler returns. */
  readonly response: Response;
}

/** Sixteen bytes in base64 (RFC 6455, 4.2.1). */
const KEY = /^[A-Za-z0-9+/]{22}==$/;

/** Throws `upgrade_required` or `malformed` where a request is no handshake of a WebSocket. */
export function requireHandshake({ method, headers }: Request): void {
  const asked = method === "GET" && headers.get("upgrade")?.toLowerCase() === "websocket" &&
    /(^|[\s,])upgrade($|[\s,])/i.test(headers.get("connection") ?? "");
  if (!asked) {
    throw upgradeRequired(
      "this path is a WebSocket. Connect to it with a WebSocket client, as ws:// or wss://; " +
        "a proxy in between has to pass on the headers Connection and Upgrade",
    );
  }
  if (headers.get("sec-websocket-version") !== WEB_SOCKET_VERSION) {
    throw upgradeRequired(`expected version ${WEB_SOCKET_VERSION} of the WebSocket protocol`);
  }
  if (!KEY.test(headers.get("sec-websocket-key") ?? "")) {
    const message = 'Cannot open a WebSocket: expected 16 bytes of base64 in "Sec-WebSocket-Key"';
    throw new AppError("malformed", "malformed_handshake", message);
  }
}

/** Opens the socket of a request that {@linkcode requireHandshake} let pass. */
export function upgrade(request: Request, idleTimeoutSeconds: number): Upgraded {
  return Deno.upgradeWebSocket(request, { idleTimeout: idleTimeoutSeconds });
}

function upgradeRequired(reason: string): AppError {
  return new AppError("upgrade_required", "upgrade_required", `Cannot answer: ${reason}`);
}
