/** What middleware leaves on a request for those that come after it. */
import type { Principal } from "../lib/access/mod.ts";
import type { Log } from "../lib/log.ts";

/** Hono's environment of this application. */
export interface AppEnv {
  Variables: {
    requestId: string;
    /** The log, with the request id on every line. */
    log: Log;
    /** Pattern of the matched route. */
    route: string;
    principal: Principal | null;
  };
}
