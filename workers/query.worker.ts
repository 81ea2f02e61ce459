/** A query isolate: runs one query at a time, each in a database of its own. */
import { giveWay, QUERY_NICENESS } from "./_give_way.ts";
import { serveQueries } from "./serve_queries.ts";

giveWay(QUERY_NICENESS);
serveQueries();
