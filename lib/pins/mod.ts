/** Pins: which tables, and which of their snapshots, are needed by whom. Leases in the state. */
export { hold, type PinToHold, release } from "./hold.ts";
export { describeHolder, type HeldPin, type Pin } from "./pin.ts";
export { holdingSnapshots, pinsOf, toNamedPins } from "./pins_of.ts";
