/** Names of users. */
import { z } from "zod";

/** Longest name of a user. */
export const MAX_USER_NAME_CHARS = 128;

/** A user's name: printable, without blanks, so that it is the same in logs, URLs and shells. */
export const UserName = z.string().regex(
  new RegExp(`^[A-Za-z0-9][A-Za-z0-9._@+-]{0,${MAX_USER_NAME_CHARS - 1}}$`),
  `Expected 1 to ${MAX_USER_NAME_CHARS} letters, digits or ._@+- and a letter or digit first`,
);
