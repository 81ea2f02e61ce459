/** Users and their roles. */
import { z } from "zod";
import {
  CreateUserInput,
  MAX_ACCESS_PAGE,
  UpdateUserInput,
  User,
  UserList,
} from "../lib/access/mod.ts";
import { pageFields, toPage } from "./_page_query.ts";
import { type Route, route } from "./_route.ts";

const TAG = "Access";

/** The name is in the path; what is left is the change. */
const ChangeUser = UpdateUserInput.omit({ name: true }).meta({ id: "ChangeUser" });

/** `GET` and `POST /api/users`, `PATCH /api/users/{name}`. */
export const userRoutes: readonly Route[] = [
  route({
    method: "GET",
    path: "/api/users",
    operation: "listUsers",
    tag: TAG,
    summary: "List users by name",
    role: "Admin",
    query: z.strictObject(pageFields(MAX_ACCESS_PAGE)),
    answer: { status: 200, description: "Users", schema: UserList },
    handler: ({ ctx, query, services }) =>
      services.access.listUsers(ctx, toPage(query, MAX_ACCESS_PAGE)),
  }),
  route({
    method: "POST",
    path: "/api/users",
    operation: "createUser",
    tag: TAG,
    summary: "Create a user",
    role: "Admin",
    body: { schema: CreateUserInput },
    answer: { status: 201, description: "The new user", schema: User },
    errors: ["already_exists"],
    handler: ({ ctx, body, services }) => services.access.createUser(ctx, body),
  }),
  route({
    method: "PATCH",
    path: "/api/users/{name}",
    operation: "updateUser",
    tag: TAG,
    summary: "Change a user's role, or disable or enable the user",
    description: "Takes effect at once. Refuses to leave no enabled Admin.",
    role: "Admin",
    params: z.strictObject({ name: UpdateUserInput.shape.name }),
    body: { schema: ChangeUser },
    answer: { status: 200, description: "The user as it is now", schema: User },
    errors: ["not_found", "conflict"],
    handler: ({ ctx, params, body, services }) =>
      services.access.updateUser(ctx, { ...params, ...body }),
  }),
];
