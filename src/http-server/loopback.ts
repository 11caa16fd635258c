import { isIP } from "node:net";

/** True for names and addresses that only reach this machine itself: "localhost", "127.0.0.1", "::1". */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[|\]$/g, "");
  if (name === "localhost" || name.endsWith(".localhost")) return true;
  if (isIP(name) === 4) return name.startsWith("127.");
  return name === "::1" || name.startsWith("::ffff:127.");
}

/** The name in a Host header, without its port; undefined for an invalid header. */
export function parseHostName(header: string | undefined): string | undefined {
  const match = /^(\[[0-9a-f:.]+\]|[^:[\]/@\s]+)(?::\d{1,5})?$/i.exec(header ?? "");
  return match?.[1];
}
