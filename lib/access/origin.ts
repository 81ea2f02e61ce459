/** Origins that sessions and tickets are bound to. */
import { z } from "zod";

const MAX_ORIGIN_CHARS = 512;

/** An origin as browsers send it: scheme, host and, where it is not the usual one, port. */
export const Origin = z.string().max(MAX_ORIGIN_CHARS).refine(
  (text) => /^https?:/.test(text) && URL.canParse(text) && new URL(text).origin === text,
  "Expected an origin such as https://drls.example.com",
);

/** Where a session or ticket may be used from. */
export const OriginInput = z.strictObject({ origin: Origin });
export type OriginInput = z.input<typeof OriginInput>;
