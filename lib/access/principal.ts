/** Who calls: principals and the four roles. */

/** Roles, weakest first; each includes the ones before it. */
export const ROLES = ["Auditor", "DataEngineer", "LeadDataEngineer", "Admin"] as const;

/** A role of a principal. */
export type Role = typeof ROLES[number];

/** How a principal proved who it is. */
export type Credential =
  | { readonly kind: "token"; readonly tokenId: string }
  | { readonly kind: "jwt"; readonly issuer: string }
  | { readonly kind: "session"; readonly sessionId: string }
  | { readonly kind: "ticket" }
  /** `DRLS_AUTH=off` on loopback. */
  | { readonly kind: "development" };

/** An authenticated caller. */
export interface Principal {
  /** Stable id; for local users the user's id, for JWT users `issuer|subject`. */
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  readonly credential: Credential;
}

/** Whether `role` includes `required`. */
export function roleIncludes(role: Role, required: Role): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(required);
}
