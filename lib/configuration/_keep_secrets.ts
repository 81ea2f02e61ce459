/** What a mask that a client sends back stands for. */
import { type CatalogConfig, configInvalid, unmaskProperties } from "../catalog/mod.ts";
import { Secret } from "../secret.ts";

/** Properties that name a place which secrets are sent to. */
const ADDRESSES = ["oauth2-server-uri", "s3.endpoint"] as const;

/**
 * The sent configuration with stored secrets put back behind their masks. They are kept for the
 * addresses that they were entered for only: whoever may change an address, yet not read the
 * secrets, could otherwise have them sent to a server of their own.
 */
export function keepSecrets(sent: CatalogConfig, stored: CatalogConfig | null): CatalogConfig {
  const { properties, unknown } = unmaskProperties(sent.extraProps, stored?.extraProps ?? {});
  const kept = Object.keys(properties)
    .filter((name) => sent.extraProps[name] === Secret.mask && !unknown.includes(name))
    .filter((name) => properties[name] !== Secret.mask);
  const isElsewhere = stored !== null && hasMoved(sent, stored);
  const issues = [
    ...unknown.map((name) => ({
      path: `extra_props.${name}`,
      message: "Expected the secret itself: it is sent as a mask, and none is stored",
    })),
    ...(isElsewhere ? kept : []).map((name) => ({
      path: `extra_props.${name}`,
      message: "Expected the secret itself: the stored one was entered for another address",
    })),
  ];
  if (issues.length > 0) throw configInvalid(issues);
  return { ...sent, extraProps: properties };
}

function hasMoved(sent: CatalogConfig, stored: CatalogConfig): boolean {
  return sent.type !== stored.type || sent.uri !== stored.uri ||
    ADDRESSES.some((name) => sent.extraProps[name] !== stored.extraProps[name]);
}
