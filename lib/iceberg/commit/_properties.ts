/** Table properties as numbers and flags; what cannot be understood counts as not set. */

/** A whole number, at least 0. */
export function integerProperty(
  properties: Readonly<Record<string, string>>,
  key: string,
): number | undefined {
  const text = properties[key];
  if (text === undefined || !/^\s*\+?\d+\s*$/.test(text)) return undefined;
  return Math.min(Number(text), Number.MAX_SAFE_INTEGER);
}

/** `true` or `false`, in any case; anything else is false, as Java reads it. */
export function booleanProperty(
  properties: Readonly<Record<string, string>>,
  key: string,
): boolean | undefined {
  const text = properties[key];
  return text === undefined ? undefined : text.trim().toLowerCase() === "true";
}
