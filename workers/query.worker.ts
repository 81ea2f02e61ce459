/** A query isolate: runs one query at a time, each in a database of its own. */
import { serveQueries } from "./serve_queries.ts";

serveQueries();
