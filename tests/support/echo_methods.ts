/** The method table of the isolate that the worker tests drive. */
import { z } from "zod";

/** Methods that answer, fail, wait, spin, crash and lie. */
export const echoMethods = {
  echo: { params: z.object({ text: z.string() }), result: z.object({ text: z.string() }) },
  fail: { params: z.object({}), result: z.null() },
  sleep: { params: z.object({ ms: z.int() }), result: z.literal("slept") },
  spin: { params: z.object({}), result: z.null() },
  crash: { params: z.object({}), result: z.null() },
  lie: { params: z.object({}), result: z.object({ text: z.string() }) },
} as const;
