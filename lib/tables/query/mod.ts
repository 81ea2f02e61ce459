/** Running queries: a door of its own for query isolates, because it loads the engine's code. */
export { answerQuery, type AnswerQueryOptions } from "./answer_query.ts";
export { CachedTables, type CachedTablesDeps } from "../read/cached_tables.ts";
