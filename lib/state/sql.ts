/** SQL statements as values: what stands between `${}` is bound, never spliced into the text. */

/** What SQLite stores here; booleans are written as 0 and 1, times as milliseconds. */
export type SqlValue = string | number | bigint | null;

/** A statement, or a part of one, with its arguments in order. */
export class Sql {
  readonly text: string;
  readonly args: readonly SqlValue[];

  constructor(text: string, args: readonly SqlValue[]) {
    this.text = text;
    this.args = args;
  }
}

/** Builds a statement: `` sql`SELECT id FROM users WHERE name = ${name}` ``. Parts may be nested. */
export function sql(strings: TemplateStringsArray, ...values: readonly (SqlValue | Sql)[]): Sql {
  let text = strings[0] ?? "";
  const args: SqlValue[] = [];
  for (const [index, value] of values.entries()) {
    if (value instanceof Sql) args.push(...value.args);
    else args.push(value);
    text += (value instanceof Sql ? value.text : "?") + (strings[index + 1] ?? "");
  }
  return new Sql(text, args);
}

/** Conditions joined by AND; none at all is true. */
export function allOf(conditions: readonly Sql[]): Sql {
  if (conditions.length === 0) return sql`1 = 1`;
  return new Sql(
    conditions.map(({ text }) => `(${text})`).join(" AND "),
    conditions.flatMap(({ args }) => args),
  );
}
