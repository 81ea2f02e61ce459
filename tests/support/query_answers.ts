/** Answers of queries, for tests of the transport. */
import type { Queries } from "../../lib/tables/mod.ts";

/** Every query has one row. */
export const queryAnswers: Queries = {
  run: () =>
    Promise.resolve(
      new Blob([
        '{"columns":[{"name":"a","type":"int"}],"rows":[{"a":1}],"row_count":1,"truncated":false}',
      ]).stream(),
    ),
};
