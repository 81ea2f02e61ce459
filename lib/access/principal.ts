/** Who calls: principals and the four roles. */

/** Roles, weakest first; each includes the ones before it. */
export const ROLES = ["Auditor", "DataEngineer", "LeadDataEngineer", "Admin"] as const;

/** A role of a principal. */
export type Role = typeof ROLES[number];

/** How a principal proved who it is. */
export type Credential =
  | { readonly kind: "token"; readonly tokenId: string }
  | { readonly kind: "jwt"; readonly issuer: string; readonly expiresAtMs: number }
  | { readonly kind: "session"; readonly sessionId: string }
  /** `grantedBy` is the credential that asked for the ticket. */
  | { readonly kind: "ticket"; readonly grantedBy: Credential }
  /** `DRLS_AUTH=off` on loopback. */
  | { readonly kind: "development" }
  /** The operator at the machine itself: the first start, `deno task token`. */
  | { readonly kind: "local" };

/** An authenticated caller. */
export interface Principal {
  /** Stable id; for local users the user's id, for JWT users `issuer|subject`. */
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  readonly credential: Credential;
}

/** Whether `role` includes `required`; a role that is none of ours includes and is included by none. */
export function roleIncludes(role: Role, required: Role): boolean {
  const held = ROLES.indexOf(role);
  const needed = ROLES.indexOf(required);
  return held !== -1 && needed !== -1 && held >= needed;
}

/** The operator at the machine itself, for what happens without a request. */
export const LOCAL_PRINCIPAL: Principal = {
  id: "local",
  name: "local operator",
  role: "Admin",
  credential: { kind: "local" },
};

/** Who every caller is under `DRLS_AUTH=off`. */
export const DEVELOPMENT_PRINCIPAL: Principal = {
  id: "development",
  name: "development",
  role: "Admin",
  credential: { kind: "development" },
};
