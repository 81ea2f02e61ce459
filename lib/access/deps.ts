/** What the access verbs stand on. */
import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import type { State } from "../state/mod.ts";
import type { JwtVerifier } from "./jwt.ts";

/** Dependencies of every access verb. */
export interface AccessDeps {
  readonly state: State;
  readonly clock: Clock;
  readonly log: Log;
  /** Null where JWTs are not accepted. */
  readonly jwt: JwtVerifier | null;
  /** Id of this process among those that share the state. */
  readonly instance: string;
}
