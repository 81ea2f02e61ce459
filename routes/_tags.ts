/** The chapters of the API, in the order of its documentation. */

/** A chapter. */
export interface Tag {
  readonly name: string;
  readonly description: string;
}

/** Every chapter. */
export const TAGS: readonly Tag[] = [
  { name: "Health", description: "Whether the server runs, and how it does" },
  { name: "Catalog", description: "Tables of the configured catalog" },
  { name: "Query", description: "SQL over the tables, to read" },
  { name: "Operations", description: "What changes tables, and how it goes" },
  { name: "Pipelines", description: "Rows that flow from table to table, and how they do" },
  { name: "Configuration", description: "Which catalog is served" },
  { name: "Access", description: "Users, tokens, sessions and the audit trail" },
  { name: "Documentation", description: "The API about itself" },
];
