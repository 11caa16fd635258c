import { hash } from "node:crypto";

/** The last field of a sealed JSON object, and the end of the text. */
const SEAL = /,\n {2}"sha256": "([0-9a-f]{64})"\n\}\n$/;

/** Adds a last field with the SHA-256 of the text before it to an object that `JSON.stringify` formatted with two spaces. */
export function sealText(json: string): string {
  const fields = json.slice(0, -"\n}".length);
  return `${fields},\n  "sha256": "${hash("sha256", fields)}"\n}\n`;
}

/** Whether the bytes of a text are as they were sealed; undefined if it has no seal. */
export function isSealIntact(bytes: Buffer): boolean | undefined {
  const seal = SEAL.exec(bytes.toString("latin1"));
  return seal === null ? undefined : hash("sha256", bytes.subarray(0, seal.index)) === seal[1];
}
