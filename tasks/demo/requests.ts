/** What the demo prints once the server listens: how to ask it, and three things to ask. */

/** No quotes in it: it is quoted by JSON, and that by a shell. */
const QUERY = "SELECT country, sum(amount) AS revenue FROM shop.orders " +
  "JOIN shop.customers USING (customer_id) GROUP BY country ORDER BY revenue DESC LIMIT 3";

/** Options of {@linkcode demoGuide}. */
export interface DemoGuideOptions {
  /** `http://127.0.0.1:3000`. */
  readonly url: string;
  readonly token: string;
  readonly warehouse: string;
  /** Whether the tables were written by this start, or found as an earlier one left them. */
  readonly found: "filled" | "reused";
}

/** The text; every line of it that is indented can be pasted into a shell. */
export function demoGuide({ url, token, warehouse, found }: DemoGuideOptions): string {
  const state = found === "filled" ? "four of them are sick" : "they are as you left them";
  return `
Five sample tables lie in ${warehouse}; ${state}. In a second terminal:

  export TOKEN=${token}
  drls() {
    route=$1; shift
    curl -sS -H "Authorization: Bearer $TOKEN" -H "Content-Type: \${TYPE:-application/json}" "${url}/api/$route" "$@"
    echo
  }

1. Which tables are sick, and what would help most?

  for table in $(drls tables | grep -o '[a-z]*\\.[a-z]*'); do
    printf '%-16s%s\\n' "$table" "$(drls table/$table/health | grep -o '"recommendation":"[^"]*"' | cut -d '"' -f 4)"
  done

2. Compact one: first the bill, then for real.

  drls compact -d '{"table": "shop.orders", "dry_run": true}'
  drls compact -d '{"table": "shop.orders"}'

3. Ask for rows: tables are joined, and what was deleted is left out.

  drls query -d '{"sql": "${QUERY}"}'

Ctrl-C stops the server. The tables stay: to begin anew, remove the folder.
`;
}
