/** Creates an API token: its secret leaves here once and is stored only as a hash. */
import { z } from "zod";
import type { Secret } from "../secret.ts";
import type { TokenInfo } from "./schemas.ts";
import { UserName } from "./user_name.ts";

/** Lifetime of a token that was created without one. */
export const DEFAULT_TOKEN_DAYS = 90;

/** Longest lifetime that can be named; `null` asks for a token without end. */
export const MAX_TOKEN_DAYS = 3650;

/** Longest name of a token. */
export const MAX_TOKEN_NAME_CHARS = 128;

/** `POST /api/tokens`. */
export const CreateTokenInput = z.strictObject({
  user: UserName,
  name: z.string().trim().min(1).max(MAX_TOKEN_NAME_CHARS).nullable().default(null)
    .describe("what the token is for"),
  expires_in_days: z.number().positive().max(MAX_TOKEN_DAYS).nullable().default(DEFAULT_TOKEN_DAYS)
    .describe("null for a token that does not expire"),
}).meta({ id: "CreateToken" });
export type CreateTokenInput = z.input<typeof CreateTokenInput>;

/** A new token and, this once, its secret. */
export interface CreatedToken {
  readonly token: TokenInfo;
  readonly secret: Secret;
}
