/** Ends a page before it grows too large: entries of hostile tables may be megabytes each. */
import { estimateBytes } from "../../estimate_bytes.ts";

/** Estimated memory of one page: what the server checks and prints without anybody noticing. */
export const MAX_PAGE_BYTES = 8 * 1024 * 1024;

/** How much goes onto a page beside {@linkcode MAX_PAGE_BYTES}. */
export interface PageBudgetOptions {
  /** Most entries. */
  readonly limit: number;
}

/** Counts what a page holds. Its first entry always fits. */
export class PageBudget {
  readonly #limit: number;
  #entries = 0;
  #bytes = 0;

  constructor(options: PageBudgetOptions) {
    this.#limit = options.limit;
  }

  /** Whether the entry still goes onto the page; counts it if so. */
  takes(entry: unknown): boolean {
    if (this.#entries === this.#limit) return false;
    const bytes = this.#bytes + estimateBytes(entry, MAX_PAGE_BYTES);
    if (bytes > MAX_PAGE_BYTES && this.#entries > 0) return false;
    this.#entries++;
    this.#bytes = bytes;
    return true;
  }
}

/** The entries made from the head of `items` that fit onto a page. */
export function fillPage<T, R>(
  items: readonly T[],
  render: (item: T) => R,
  options: PageBudgetOptions,
): R[] {
  const budget = new PageBudget(options);
  const page: R[] = [];
  for (const item of items) {
    if (page.length === options.limit) break;
    const entry = render(item);
    if (!budget.takes(entry)) break;
    page.push(entry);
  }
  return page;
}
