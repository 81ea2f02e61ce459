/** Changes a user's role, or disables and enables the user. */
import { z } from "zod";
import { RoleName } from "./schemas.ts";
import { UserName } from "./user_name.ts";

/** What to change; what is left out stays. */
export const UpdateUserInput = z.strictObject({
  name: UserName.describe("whom to change"),
  role: RoleName.optional(),
  disabled: z.boolean().optional(),
}).meta({ id: "UpdateUser" });
export type UpdateUserInput = z.input<typeof UpdateUserInput>;
