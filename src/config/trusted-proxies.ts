import { isIP } from "node:net";

/** The elements of SLUICE_TRUSTED_PROXIES: "10.0.0.0/8, loopback" */
export function splitProxies(list: string): string[] {
  return list
    .split(",")
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "");
}

/** Whether all elements are addresses, networks ("10.0.0.0/8"), or "loopback". */
export function areProxies(list: string): boolean {
  return splitProxies(list).every((entry) => entry === "loopback" || isAddressOrNetwork(entry));
}

function isAddressOrNetwork(entry: string): boolean {
  const [address = "", prefix, ...rest] = entry.split("/");
  const family = isIP(address);
  if (family === 0 || rest.length > 0) return false;
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128));
}
