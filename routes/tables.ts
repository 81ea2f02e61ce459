/** Tables of the catalog: list, create, append, drop, schema, health, snapshots, refs, files. */
import { z } from "zod";
import type { ErrorKind } from "../lib/errors.ts";
import { OperationResult } from "../lib/operations/mod.ts";
import {
  APPEND_FORMATS,
  CreateTableRequest,
  FileContent,
  FileList,
  HealthReport,
  RefList,
  SnapshotList,
  TableList,
  TableSchema,
} from "../lib/tables/mod.ts";
import { mediaTypeOf } from "./_body.ts";
import { IDEMPOTENCY_KEY } from "./_operation_headers.ts";
import { answerOperation, OPERATION_ERRORS, OPERATION_FACTS } from "./_operation_route.ts";
import { pageFields, toPage } from "./_page_query.ts";
import { type Route, route } from "./_route.ts";
import { streamBody } from "./_streamed_body.ts";

const TAG = "Catalog";

/** Most entries of one page, and what a list returns when no limit is given. */
export const MAX_TABLE_PAGE = 10_000;

/** What reading one table can meet: it is not there, broken, beyond a bound, or not understood. */
const READ_ERRORS: readonly ErrorKind[] = [
  "not_found",
  "corrupt_data",
  "unsupported",
  "too_large",
  "deadline_exceeded",
];

/** One level of a name: no dots, slashes, control characters, nor blanks at its ends. */
const LEVEL = String.raw`[^\s./\\\x00-\x1f\x7f](?:[^./\\\x00-\x1f\x7f]*[^\s./\\\x00-\x1f\x7f])?`;
const MAX_NAME_CHARS = 1024;

const tableParams = z.strictObject({
  table_name: z.string().max(MAX_NAME_CHARS).regex(
    new RegExp(`^${LEVEL}(?:\\.${LEVEL})*$`),
    "Expected namespace.table or catalog.namespace.table",
  ).meta({
    description: "`namespace.table` or `catalog.namespace.table`",
    example: "db.events",
  }),
});

/** A switch in a query, where everything is text. */
const flag = z.enum(["true", "false"], "Expected true or false").default("false")
  .transform((text) => text === "true");
const dropQuery = z.strictObject({
  purge: flag.meta({ description: "Delete the files of the table too" }),
  dry_run: flag.meta({ description: "Tell what would be done, and change nothing" }),
});

const appendQuery = z.strictObject({
  dry_run: flag.meta({ description: "Read and check all rows, tell the bill, and write nothing" }),
});

const int64 = z.string().regex(/^-?\d{1,19}$/, "Expected a 64-bit integer");
/** `Date` would read any text with a number in it, and "1" as the year 2001. */
const ISO_TIME = "Expected an ISO 8601 time with its offset, or a date";
const filesQuery = z.strictObject({
  ...pageFields(MAX_TABLE_PAGE),
  content: FileContent.optional().meta({ description: "Only files of this content" }),
  snapshot_id: int64.optional().meta({ description: "Files of this snapshot" }),
  ref: z.string().min(1).max(1024).optional().meta({ description: "Files of this branch or tag" }),
  timestamp: z.union([z.iso.datetime({ offset: true }), z.iso.date()], ISO_TIME).optional()
    .meta({ description: "Files as of this ISO 8601 time" }),
}).refine(
  (query) => [query.snapshot_id, query.ref, query.timestamp].filter((at) => at).length <= 1,
  { path: ["snapshot_id"], message: "Expected only one of snapshot_id, ref and timestamp" },
);

/** `GET /api/tables` and what is below `/api/table/{table_name}`. */
export const tableRoutes: readonly Route[] = [
  route({
    method: "GET",
    path: "/api/tables",
    operation: "listTables",
    tag: TAG,
    summary: "List all Iceberg tables",
    role: "Auditor",
    query: z.strictObject(pageFields(MAX_TABLE_PAGE)),
    answer: { status: 200, description: "Names, sorted", schema: TableList },
    errors: ["deadline_exceeded"],
    handler: ({ ctx, query, services }) => services.tables.list(ctx, toPage(query, MAX_TABLE_PAGE)),
  }),
  route({
    ...OPERATION_FACTS,
    errors: [...OPERATION_ERRORS, "already_exists"],
    method: "POST",
    path: "/api/tables",
    operation: "createTable",
    tag: TAG,
    summary: "Create a table",
    description:
      "Types are Spark SQL's: TIMESTAMP has a zone, TIMESTAMP_NTZ has none. A namespace " +
      "that is missing is made.",
    role: "DataEngineer",
    body: { schema: CreateTableRequest },
    answer: { status: 201, description: "Created", schema: OperationResult },
    otherAnswers: [
      ...OPERATION_FACTS.otherAnswers,
      { status: 200, description: "What `dry_run` found", schema: OperationResult },
    ],
    handler: (call) =>
      answerOperation(call, (ctx) => call.services.tableChanges.create(ctx, call.body), {
        status: call.body.dry_run ? 200 : 201,
      }),
  }),
  route({
    ...OPERATION_FACTS,
    method: "DELETE",
    path: "/api/table/{table_name}",
    operation: "dropTable",
    tag: TAG,
    summary: "Drop a table",
    description: "With `purge` its files are deleted too: those that its snapshots refer to, and " +
      "its metadata. Otherwise they stay.",
    role: "DataEngineer",
    params: tableParams,
    query: dropQuery,
    answer: { status: 200, description: "What was done", schema: OperationResult },
    handler: (call) =>
      answerOperation(
        call,
        (ctx) =>
          call.services.tableChanges.drop(ctx, { table: call.params.table_name, ...call.query }),
      ),
  }),
  route({
    ...OPERATION_FACTS,
    method: "POST",
    path: "/api/table/{table_name}/append",
    operation: "appendRows",
    tag: TAG,
    summary: "Append rows to a table",
    description:
      "All rows become one snapshot, or none does: what is wrong with the first bad row is told " +
      "with its place and column. Columns go by their names. Without rows there is no snapshot.",
    role: "DataEngineer",
    params: tableParams,
    query: appendQuery,
    stream: {
      mediaTypes: Object.keys(APPEND_FORMATS),
      description: "The rows, of any number: they are written as they come",
    },
    answer: { status: 200, description: "What was appended", schema: OperationResult },
    handler: (call) => {
      const { params, query, request, services } = call;
      const mediaType = mediaTypeOf(request);
      const { stream, received, fingerprint } = streamBody(request, {
        facts: [params, query, mediaType],
        fingerprinted: request.headers.has(IDEMPOTENCY_KEY),
      });
      return answerOperation(call, (ctx) =>
        services.tableChanges.append(ctx, {
          table: params.table_name,
          format: APPEND_FORMATS[mediaType as keyof typeof APPEND_FORMATS],
          rows: stream,
          ...query,
        }), { fingerprint, received });
    },
  }),
  route({
    method: "GET",
    path: "/api/table/{table_name}/schema",
    operation: "getTableSchema",
    tag: TAG,
    summary: "Get a table's schema",
    role: "Auditor",
    params: tableParams,
    answer: { status: 200, description: "Columns in order", schema: TableSchema },
    errors: READ_ERRORS,
    handler: ({ ctx, params, services }) => services.tables.schema(ctx, params.table_name),
  }),
  route({
    method: "GET",
    path: "/api/table/{table_name}/health",
    operation: "getTableHealth",
    tag: TAG,
    summary: "Get a table's health report",
    description: "Counts, sizes and what to do about them, each with the request that does it.",
    role: "Auditor",
    params: tableParams,
    answer: { status: 200, description: "The report", schema: HealthReport },
    errors: READ_ERRORS,
    handler: ({ ctx, params, services }) => services.tables.health(ctx, params.table_name),
  }),
  route({
    method: "GET",
    path: "/api/table/{table_name}/snapshots",
    operation: "listSnapshots",
    tag: TAG,
    summary: "List a table's snapshots, newest first",
    role: "Auditor",
    params: tableParams,
    query: z.strictObject(pageFields(MAX_TABLE_PAGE)),
    answer: { status: 200, description: "Snapshots", schema: SnapshotList },
    errors: READ_ERRORS,
    handler: ({ ctx, params, query, services }) =>
      services.tables.snapshots(ctx, {
        table: params.table_name,
        ...toPage(query, MAX_TABLE_PAGE),
      }),
  }),
  route({
    method: "GET",
    path: "/api/table/{table_name}/refs",
    operation: "listRefs",
    tag: TAG,
    summary: "List a table's branches and tags",
    role: "Auditor",
    params: tableParams,
    query: z.strictObject(pageFields(MAX_TABLE_PAGE)),
    answer: { status: 200, description: "Branches and tags", schema: RefList },
    errors: READ_ERRORS,
    handler: ({ ctx, params, query, services }) =>
      services.tables.refs(ctx, { table: params.table_name, ...toPage(query, MAX_TABLE_PAGE) }),
  }),
  route({
    method: "GET",
    path: "/api/table/{table_name}/files",
    operation: "listFiles",
    tag: TAG,
    summary: "List the live files of a table's snapshot",
    role: "Auditor",
    params: tableParams,
    query: filesQuery,
    answer: { status: 200, description: "Files in manifest order", schema: FileList },
    errors: READ_ERRORS,
    handler: ({ ctx, params, query, services }) =>
      services.tables.files(ctx, {
        table: params.table_name,
        ...toPage(query, MAX_TABLE_PAGE),
        content: query.content ?? null,
        at: {
          snapshotId: query.snapshot_id ?? null,
          ref: query.ref ?? null,
          timestamp: query.timestamp ?? null,
        },
      }),
  }),
];
