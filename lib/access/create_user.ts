/** Creates a user. */
import { z } from "zod";
import { RoleName } from "./schemas.ts";
import { UserName } from "./user_name.ts";

/** `POST /api/users`. */
export const CreateUserInput = z.strictObject({ name: UserName, role: RoleName })
  .meta({ id: "CreateUser" });
export type CreateUserInput = z.input<typeof CreateUserInput>;
