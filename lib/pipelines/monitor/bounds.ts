/** What the monitor allows, to whom and for how long; and how it says that it allows no more. */

/** Bounds of a monitor; tests may narrow them. */
export interface MonitorBounds {
  /** Sockets of the process, those included that were closed and have not let go. */
  readonly maxSockets: number;
  /** Of one principal. One account may stand for a whole wall of screens, but not for all of them. */
  readonly maxSocketsPerPrincipal: number;
  /** Least time between two messages of one pipeline; what changes meanwhile is sent as one. */
  readonly messageIntervalMs: number;
  /** While more than this waits in a socket, nothing is added to it. */
  readonly maxBufferedBytes: number;
  /** How often sockets that were too full are looked at again. */
  readonly drainIntervalMs: number;
  /** A socket that was too full for this long is closed. */
  readonly stallMs: number;
  /**
   * How much later than its `at` a message may get here: what other servers record is seen at the
   * next look, and their clocks differ a little.
   */
  readonly newsDelayMs: number;
  /** How often it is looked whether those who watch still may. */
  readonly recheckMs: number;
  /** How long somebody may watch while nobody can tell whether they still may. */
  readonly uncheckedMs: number;
  /** How long a handshake may take before its place is given away. */
  readonly openMs: number;
  /** A client that is silent for half of this is sent a ping, and closed after the other half. */
  readonly idleTimeoutSeconds: number;
  /** Largest message of a client. There is nothing to say, but some clients keep alive by talking. */
  readonly maxMessageBytes: number;
  /** Most messages of a client within {@linkcode MonitorBounds.messageWindowMs}. */
  readonly maxMessages: number;
  readonly messageWindowMs: number;
  /** Longest wait for clients to answer a close, where the server stops. */
  readonly closeMs: number;
}

/** The bounds of a server. */
export const MONITOR_BOUNDS: MonitorBounds = {
  maxSockets: 4_096,
  maxSocketsPerPrincipal: 3_072,
  messageIntervalMs: 100,
  maxBufferedBytes: 65_536,
  drainIntervalMs: 100,
  stallMs: 60_000,
  newsDelayMs: 5_000,
  recheckMs: 30_000,
  uncheckedMs: 600_000,
  openMs: 10_000,
  idleTimeoutSeconds: 40,
  maxMessageBytes: 1_024,
  maxMessages: 60,
  messageWindowMs: 60_000,
  closeMs: 1_000,
};

/** Why the server ends a watch, as a close code (RFC 6455, 7.4) and a reason. */
export const CLOSES = {
  stopping: { code: 1001, reason: "The server is stopping" },
  talkative: { code: 1008, reason: "Too many messages; this endpoint takes none" },
  tooBig: { code: 1009, reason: "Message too big; this endpoint takes none" },
  stalled: { code: 1013, reason: "Too slow: nothing was read for too long. Connect again" },
  denied: { code: 4401, reason: "The credential is not valid any more" },
  forgotten: { code: 4404, reason: "The pipeline was deleted" },
  tooLate: { code: 4408, reason: "The handshake took too long" },
} as const;

/** One of {@linkcode CLOSES}. */
export type MonitorClose = keyof typeof CLOSES;
