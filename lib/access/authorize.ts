/** Decisions on what a principal may do, each with its reason. Whatever is unclear is refused. */
import { AppError } from "../errors.ts";
import type { CallContext } from "./context.ts";
import { type Principal, type Role, roleIncludes } from "./principal.ts";

/** What is done to what, for reasons and the audit: `table.compact`. */
export type Action = `${string}.${string}`;

/** A verdict and what determined it, for logs and error messages. */
export interface Decision {
  readonly allowed: boolean;
  readonly reason: string;
}

/** Decides whether `principal` holds `requiredRole`; nobody (`null`) holds none. */
export function authorize(
  principal: Principal | null,
  requiredRole: Role,
  action: Action,
): Decision {
  const needs = `"${action}" needs role "${requiredRole}"`;
  if (principal === null) return { allowed: false, reason: `${needs}, and nobody is signed in` };
  const { name, role } = principal;
  const allowed = roleIncludes(role, requiredRole);
  return { allowed, reason: `${needs}, and "${name}" holds "${role}"` };
}

/** Passes if the caller holds `role`; otherwise a `forbidden` error that names both roles. */
export function requireRole(ctx: CallContext, role: Role, action: Action): void {
  const { allowed, reason } = authorize(ctx.principal, role, action);
  if (allowed) return;
  throw new AppError("forbidden", "role_required", `Cannot do this: ${reason}`, {
    context: { action, requiredRole: role, heldRole: ctx.principal.role },
  });
}
