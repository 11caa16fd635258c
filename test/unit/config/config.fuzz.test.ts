import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { loadConfig } from "#src/config/config.ts";
import { PROVIDER_SETTINGS } from "#src/config/provider-settings.ts";
import { checkSettings, parseSettings } from "#src/config/settings-file.ts";
import { listFileSettings } from "#src/config/settings-reference.ts";
import { KNOWN_VARIABLES } from "#src/config/variables.ts";
import { ConfigError } from "#src/core/failures/errors.ts";

const steps = listFileSettings().flatMap(({ name }) => name.replaceAll("[]", "").split("."));
const keys = [...new Set([...steps, ...PROVIDER_SETTINGS.keys()])];
const settings = fc.letrec((tie) => ({
  tree: fc.oneof(
    { maxDepth: 6 },
    fc.constantFrom(null, 5, -1, 1.5, true, "30s", "burst", "CNY", "KEY_A", "https://up.example"),
    fc.string({ unit: "binary" }),
    fc.array(tie("tree"), { maxLength: 3 }),
    fc.dictionary(fc.oneof(fc.constantFrom(...keys), fc.string({ unit: "binary" })), tie("tree"), {
      maxKeys: 6,
    }),
  ),
})).tree;

const secret = fc.stringMatching(/^sk-[A-Za-z0-9]{12,20}$/);

describe("arbitrary settings", () => {
  it("are accepted, or rejected with complete sentences", () => {
    fc.assert(
      fc.property(settings, (tree) => {
        const problems: string[] = [];
        const { settings: result } = parseSettings(stringify(tree), "sluice.yaml", problems);
        for (const problem of problems) expect(problem).toMatch(/^sluice\.yaml(?::\d+:\d+)?: \S/);
        if (problems.length > 0) expect(result).toEqual({});
      }),
      { numRuns: 500 },
    );
  });

  it("report every unknown key", () => {
    const place = fc.constantFrom<(key: string) => unknown>(
      (key) => ({ [key]: 1 }),
      (key) => ({ run: { [key]: 1 } }),
      (key) => ({ providers: { [key]: {} } }),
      (key) => ({ providers: { minimax: { accounts: [{ name: "a", apiKeyEnv: "A1", [key]: 1 }] } } }),
      (key) => ({ providers: { minimax: { models: { m: { limits: { [key]: 1 } } } } } }),
    );
    const key = fc.stringMatching(/^[a-z]{2,12}$/).filter((one) => !keys.includes(one));
    fc.assert(
      fc.property(place, key, (at, unknown) => {
        const problems: string[] = [];
        checkSettings(at(unknown), "sluice.yaml", problems);
        expect(problems).toEqual([expect.stringMatching(new RegExp(`[ .]${unknown}: unknown key; `))]);
      }),
    );
  });
});

describe("an arbitrary environment", () => {
  it("is accepted, or rejected with a ConfigError", () => {
    const env = fc.dictionary(
      fc.oneof(fc.constantFrom(...KNOWN_VARIABLES), fc.string()),
      fc.oneof(fc.string({ unit: "binary" }), fc.webUrl(), fc.constant("redis://h:1/0")),
    );
    fc.assert(
      fc.property(env, (values) => {
        try {
          loadConfig({ env: { ...values, SLUICE_CONFIG: "/dev/null" }, cwd: "/nowhere" });
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(ConfigError);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("never has its secrets repeated in a problem, wherever they were pasted", () => {
    fc.assert(
      fc.property(secret, fc.subarray([...KNOWN_VARIABLES]), (key, others) => {
        const pasted = Object.fromEntries(others.filter((one) => one !== "NO_COLOR").map((one) => [one, key]));
        const env = {
          ...pasted,
          MINIMAX_API_KEY: key,
          REDIS_URL: `redis://:${key}@h:x/0`,
          SLUICE_CONFIG: `/${key}`,
        };
        try {
          loadConfig({ env, cwd: "/nowhere" });
          expect.unreachable("the port is no number");
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(ConfigError);
          expect((thrown as ConfigError).message).not.toContain(key);
        }
      }),
    );
  });

  it("never has the secrets of a file repeated in a problem of that file", () => {
    fc.assert(
      fc.property(secret, settings, (key, tree) => {
        const problems: string[] = [];
        const minimax = {
          apiKey: key,
          groupId: key,
          apiKeyEnv: key,
          baseUrl: key,
          accounts: key,
          junk: tree,
        };
        parseSettings(stringify({ providers: { minimax }, redis: { url: key } }), "sluice.yaml", problems);
        expect(problems.length).toBeGreaterThan(0);
        expect(problems.join()).not.toContain(key);
      }),
    );
  });
});
