/** Stand-ins for interfaces of which a test needs only a part. */

/** An object whose missing members fail the test that asks for them. */
export function standIn<T extends object>(parts: Partial<T> = {}): T {
  return new Proxy(parts as T, {
    get(target, key) {
      const value = Reflect.get(target, key);
      // Awaiting asks every object whether it is a promise.
      if (value !== undefined || key === "then") return value;
      throw new TypeError(`The test gave no "${String(key)}"`);
    },
  });
}
