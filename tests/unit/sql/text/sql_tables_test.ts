import assert from "node:assert/strict";
import { tablesOf } from "../../../../lib/sql/text/sql_tables.ts";

const CASES: Readonly<Record<string, readonly string[]>> = {
  "SELECT * FROM db.events": ["db.events"],
  "select 1 from db.a, c.b x, lateral d.e": ["db.a", "c.b", "d.e"],
  "select a.x, b.y from db.a as a join db.b b on a.id = b.id, db.c": ["db.a", "db.b", "db.c"],
  "select * from (select q.r from n.t where q.z in (1, p.q)) s, n.u": ["n.t", "n.u"],
  "with w as (select * from db.e) select * from w, db.f": ["db.e", "db.f"],
  'select * from "My Db"."ta""ble"': ['My Db.ta"ble'],
  "select * from cat.ns.deep.t": ["cat.ns.deep.t"],
  "from db.events select id": ["db.events"],
  "summarize db.events": ["db.events"],
  "describe db.events": ["db.events"],
  "select 'from x.y', \"from z.w\" /* from c.d */ from db.e -- from f.g": ["db.e"],
  "select $$ from x.y $$, e'it''s from q.r' from db.e": ["db.e"],
  "select * from (db.a join db.b using (id))": ["db.a", "db.b"],
  "select extract(year from t.ts), 1 from db.a t": ["t.ts", "db.a"],
  "select * from read_csv('x'), range(3), schema.func(1)": [],
  "select * from events": [],
  "select * from db.a union all select * from db.b order by x.y, z.w": ["db.a", "db.b"],
  "select * from db.a where x in (select y from db.b, db.c) and z.t": ["db.a", "db.b", "db.c"],
};

for (const [sql, expected] of Object.entries(CASES)) {
  Deno.test(`tablesOf() finds ${expected.join(", ") || "nothing"} in: ${sql}`, () => {
    const found = tablesOf(sql);
    assert.deepEqual(found.map(({ parts }) => parts.join(".")), expected);
    for (const { start, end, parts } of found) {
      assert.equal(
        sql.slice(start, end).replaceAll(/^"|"$|"(?=\.)|(?<=\.)"/g, "").length > 0,
        true,
      );
      assert.equal(parts.every((part) => part !== ""), true);
    }
  });
}
