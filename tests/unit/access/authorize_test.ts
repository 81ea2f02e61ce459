import assert from "node:assert/strict";
import {
  authorize,
  type Principal,
  requireRole,
  type Role,
  ROLES,
} from "../../../lib/access/mod.ts";
import { roleIncludes } from "../../../lib/access/mod.ts";
import { AppError } from "../../../lib/errors.ts";
import { callBy } from "../../support/access_fixture.ts";

/** What each role may do: held to required. Complete by its type. */
const INCLUDES: Record<Role, Record<Role, boolean>> = {
  Auditor: { Auditor: true, DataEngineer: false, LeadDataEngineer: false, Admin: false },
  DataEngineer: { Auditor: true, DataEngineer: true, LeadDataEngineer: false, Admin: false },
  LeadDataEngineer: { Auditor: true, DataEngineer: true, LeadDataEngineer: true, Admin: false },
  Admin: { Auditor: true, DataEngineer: true, LeadDataEngineer: true, Admin: true },
};

function holder(role: Role): Principal {
  return { id: "usr_1", name: "alice", role, credential: { kind: "token", tokenId: "tok_1" } };
}

for (const held of ROLES) {
  for (const required of ROLES) {
    const verdict = INCLUDES[held][required] ? "allows" : "refuses";
    Deno.test(`authorize() ${verdict} ${held} what needs ${required}`, () => {
      const decision = authorize(holder(held), required, "table.compact");
      assert.equal(decision.allowed, INCLUDES[held][required]);
      const reason = `"table.compact" needs role "${required}", and "alice" holds "${held}"`;
      assert.equal(decision.reason, reason);
    });
  }
}

Deno.test("authorize() refuses nobody in particular", () => {
  const decision = authorize(null, "Auditor", "table.read");
  assert.deepEqual(decision, {
    allowed: false,
    reason: '"table.read" needs role "Auditor", and nobody is signed in',
  });
});

Deno.test("roleIncludes() fails closed for roles that do not exist", () => {
  // Such a value can only come from outside the type checker.
  const unknown = JSON.parse('"Owner"');
  assert.equal(roleIncludes(unknown, "Auditor"), false);
  assert.equal(roleIncludes("Admin", unknown), false);
  assert.equal(roleIncludes(unknown, unknown), false);
});

Deno.test("requireRole() passes who holds the role and names both roles to who does not", () => {
  requireRole(callBy(holder("DataEngineer")), "DataEngineer", "table.compact");
  assert.throws(
    () => requireRole(callBy(holder("Auditor")), "DataEngineer", "table.compact"),
    (error) => {
      assert.ok(error instanceof AppError);
      assert.deepEqual([error.kind, error.code], ["forbidden", "role_required"]);
      assert.match(error.message, /"DataEngineer".*"alice" holds "Auditor"/);
      return true;
    },
  );
});
