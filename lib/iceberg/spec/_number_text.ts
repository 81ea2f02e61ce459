/**
 * Numbers as the reference implementation prints them: decimals by their scale, floats with a point
 * always (`1.0`, `1.0E10`) and as few digits as identify them at their own width.
 */

/** `14.20` for the unscaled 1420 at scale 2; `2E+20` for 2 at scale -20 (spec Appendix D). */
export function formatDecimal(unscaled: bigint, scale: number): string {
  if (scale < 0) return `${unscaled}E+${-scale}`;
  if (scale === 0) return String(unscaled);
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, "0");
  const point = digits.length - scale;
  return `${unscaled < 0n ? "-" : ""}${digits.slice(0, point)}.${digits.slice(point)}`;
}

/** Exponents beyond this cannot fit any decimal of 38 digits; they are refused, not expanded. */
const MAX_EXPONENT = 100;
/** Longest decimal text that is looked at. */
const MAX_DECIMAL_TEXT = 200;

/** The unscaled value of a decimal text at `scale`; null where it is none or does not fit exactly. */
export function parseDecimal(text: string, scale: number): bigint | null {
  if (text.length > MAX_DECIMAL_TEXT) return null;
  const match = /^([+-]?)(\d+)(?:\.(\d*))?(?:[eE]([+-]?\d{1,3}))?$/.exec(text);
  if (match === null) return null;
  const fraction = match[3] ?? "";
  const magnitude = BigInt(`${match[2]}${fraction}`);
  const exponent = Number(match[4] ?? "0");
  if (Math.abs(exponent) > MAX_EXPONENT) return null;
  const shift = scale - fraction.length + exponent;
  const factor = 10n ** BigInt(Math.abs(shift));
  if (shift < 0 && magnitude % factor !== 0n) return null;
  const unscaled = shift < 0 ? magnitude / factor : magnitude * factor;
  return match[1] === "-" ? -unscaled : unscaled;
}

/** A double as Java's `Double.toString`: `1.0`, `0.001`, `1.0E10`, `NaN`, `Infinity`. */
export function formatDouble(value: number): string {
  return javaNotation(value, String(Math.abs(value)));
}

/** A float as Java's `Float.toString`: the fewest digits that read back as the same float. */
export function formatFloat(value: number): string {
  const magnitude = Math.abs(value);
  for (let digits = 1; digits <= 9; digits++) {
    const text = magnitude.toPrecision(digits);
    if (Math.fround(Number(text)) === magnitude) {
      return javaNotation(value, String(Number(text)));
    }
  }
  return javaNotation(value, String(magnitude));
}

/** Lays out the digits of `text`, a number as JavaScript prints it, as Java does. */
function javaNotation(value: number, text: string): string {
  if (Number.isNaN(value)) return "NaN";
  const sign = value < 0 || Object.is(value, -0) ? "-" : "";
  if (!Number.isFinite(value)) return `${sign}Infinity`;
  const magnitude = Math.abs(value);
  if (magnitude === 0) return `${sign}0.0`;
  if (magnitude >= 1e-3 && magnitude < 1e7) {
    return `${sign}${text}${text.includes(".") ? "" : ".0"}`;
  }
  const [mantissa = "", exponent = ""] = Number(text).toExponential().split("e");
  const point = mantissa.includes(".") ? mantissa : `${mantissa}.0`;
  return `${sign}${point}E${exponent.replace("+", "")}`;
}
