/** The shape of a located table: jobs and questions carry one from isolate to isolate. */
import { z } from "zod";
import type { TableLocation } from "./ports.ts";

const Identifier = z.object({ namespace: z.array(z.string()), name: z.string() });

const Storage = z.object({
  local: z.object({ kind: z.literal("local"), roots: z.array(z.string()) }).nullable(),
  s3: z.object({
    kind: z.literal("s3"),
    endpoint: z.string().nullable(),
    region: z.string(),
    pathStyle: z.boolean(),
    credentials: z.object({
      accessKeyId: z.string(),
      secretAccessKey: z.string(),
      sessionToken: z.string().nullable(),
    }).nullable(),
    roots: z.array(z.string()).nullable(),
  }).nullable(),
});

/** Checks a {@linkcode TableLocation} on its way into an isolate. */
export const TableLocationSchema: z.ZodType<TableLocation> = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("file"),
    identifier: Identifier,
    metadataLocation: z.string(),
    storage: Storage,
    foundAt: z.string().nullable(),
  }),
  z.object({
    kind: z.literal("rest"),
    identifier: Identifier,
    response: z.instanceof(Uint8Array),
    storage: Storage,
  }),
]);
