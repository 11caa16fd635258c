import { format, inspect } from "node:util";
import pino from "pino";
import { describe, expect, it } from "vitest";
import { Secret } from "#src/core/secret.ts";

describe("Secret", () => {
  const secret = new Secret("sk-live-1");

  it("returns its value", () => {
    expect(secret.reveal()).toBe("sk-live-1");
  });

  it("prints as [redacted] in every format", () => {
    const logged: string[] = [];
    pino({ base: null }, { write: (line) => logged.push(line) }).info({ secret, in: { account: [secret] } });
    const printed = [
      `${secret}`,
      String(secret),
      JSON.stringify({ secret }),
      inspect({ secret }, { showHidden: true, depth: 5, customInspect: true }),
      inspect(secret, { customInspect: false, showHidden: true }),
      format("%s %o %O %j", secret, secret, secret, secret),
      JSON.stringify(Object.entries(secret)),
      JSON.stringify(structuredClone({ ...secret })),
      ...logged,
    ];
    expect(printed.filter((text) => text.includes("sk-live"))).toEqual([]);
    expect(`${secret}`).toBe("[redacted]");
  });
});
