/** The sample namespace `web`: sessions, a file for each hour. */
import { type Row, SampleTable } from "./sample_table.ts";
import type { Story } from "./shop.ts";
import { atMicros, HOUR_MS } from "./times.ts";

/** Hours of sessions, each committed three minutes after its end. */
const SESSION_HOURS = 192;
const DELAY_MS = 3 * 60_000;

const LANDING_PAGES = ["/", "/", "/sale", "/new", "/gifts", "/blog/size-guide"];
const REFERRERS = ["search", "search", "newsletter", "social", "direct", "direct"];
const DEVICES = ["phone", "phone", "desktop", "tablet"];

/**
 * One file for each hour's partition, which is as it should be; but a writer that never merges
 * manifests leaves one for each commit, and planning a scan opens them all.
 */
export async function fillSessions(story: Story): Promise<void> {
  const { random, nowMs } = story;
  const firstMs = nowMs - (SESSION_HOURS + 1) * HOUR_MS;
  story.setClock(firstMs - HOUR_MS);
  const table = await SampleTable.create({
    namespace: "web",
    name: "sessions",
    columns: [
      ["session_id", "string!"],
      ["started_at", "timestamp!"],
      ["seconds", "int"],
      ["pages", "int"],
      ["device", "string"],
      ["referrer", "string"],
      ["landing_page", "string"],
    ],
    partitionBy: ["hour(started_at)"],
    properties: { "commit.manifest-merge.enabled": "false" },
  }, story);
  for (let hour = 0; hour < SESSION_HOURS; hour++) {
    const startMs = firstMs + hour * HOUR_MS;
    const count = 40 + random.below(120);
    const rows = Array.from({ length: count }, (_, n): Row => [
      `s-${(hour * 1_000 + n).toString(36)}-${random.below(36 ** 4).toString(36)}`,
      atMicros(startMs + Math.floor(n / count * HOUR_MS)),
      5 + random.below(1_800),
      1 + random.below(25),
      random.pick(DEVICES),
      random.pick(REFERRERS),
      random.pick(LANDING_PAGES),
    ]);
    await table.append(rows, startMs + HOUR_MS + DELAY_MS);
  }
}
