/** Pages of the lists of users, tokens and audit rows. */

/** Most entries of one page; also what a caller gets who asks for no limit. */
export const MAX_ACCESS_PAGE = 1000;

/** A page; `cursor` is what an earlier page returned as `next_cursor`, null for the first. */
export interface Page {
  /** From 1 to {@linkcode MAX_ACCESS_PAGE}. */
  readonly limit: number;
  readonly cursor: string | null;
}
