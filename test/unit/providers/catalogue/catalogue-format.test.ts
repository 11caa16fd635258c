import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Catalogue,
  findCatalogueModel,
  formatCatalogue,
  parseCatalogue,
  trimCatalogue,
} from "#src/providers/catalogue/catalogue-format.ts";
import { readShippedCatalogue } from "#src/providers/catalogue/read-catalogue.ts";
import { createRegistry, listCatalogueNames } from "#src/providers/registry.ts";

const text = { input: ["text"], output: ["text"] };
const small = { modalities: text, limit: { context: 1000, output: 100 } };
const api = (models: object) => JSON.stringify({ zhipuai: { models }, "some-other": { models: { x: small } } });
const HEAD = { source: "https://models.dev/api.json", date: "2026-07-02", license: "MIT License ..." };

describe("trimCatalogue", () => {
  it("keeps the text models of the named providers, and the fields that are used", () => {
    const full = { ...small, id: "m", name: "M", cost: { input: 1, output: 2, input_audio: 9 }, knowledge: "2025" };
    const image = { ...small, modalities: { input: ["text"], output: ["image"] } };
    const speech = { ...small, modalities: { input: ["audio"], output: ["text"] } };
    expect(trimCatalogue(api({ m: full, image, speech }), ["zhipuai", "absent"])).toEqual({
      zhipuai: { models: { m: { ...small, cost: { input: 1, output: 2 } } } },
    });
  });

  it.each([
    ["[", "it is not JSON"],
    ["<html>", "it is not JSON"],
    ["[]", "it: expected a mapping"],
    ["{}", "it contains no model of zhipuai"],
    [api({}), "it contains no model of zhipuai"],
    [
      api({ m: { ...small, limit: { context: "many", output: 1 } } }),
      "zhipuai.models.m.limit.context: expected a number",
    ],
    [api({ m: { ...small, cost: { input: -1 } } }), "zhipuai.models.m.cost.input: expected a number of at least 0"],
  ])("rejects %s and says why", (content, reason) => {
    expect(() => trimCatalogue(content, ["zhipuai"])).toThrow(reason);
  });

  it("returns models or throws an Error of one line for any JSON", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.json(),
          fc.json({ maxDepth: 6 }).map((json) => `{"zhipuai":${json}}`),
        ),
        (content) => {
          try {
            trimCatalogue(content, ["zhipuai"]);
          } catch (error) {
            expect((error as Error).message).toMatch(/^(it|zhipuai).{0,400}$/);
          }
        },
      ),
    );
  });

  it("keeps every price and limit", () => {
    const tokens = fc.nat({ max: 10_000_000 });
    const amount = fc.double({ min: 0, max: 1000, noNaN: true, noDefaultInfinity: true }).map((value) => value + 0);
    const model = fc.record({
      modalities: fc.constant(text),
      limit: fc.record({ context: tokens.map((value) => value + 1), output: tokens }),
      cost: fc.record({ input: amount, output: amount, cache_read: amount }, { requiredKeys: [] }),
    });
    const names = fc.stringMatching(/^[\w./:@+~-]{1,40}$/).filter((name) => name !== "__proto__");
    fc.assert(
      fc.property(fc.dictionary(names, model, { minKeys: 1 }), (models) => {
        const providers = trimCatalogue(api(models), ["zhipuai"]);
        const catalogue = parseCatalogue(formatCatalogue({ ...HEAD, providers }));
        expect(catalogue).toMatchObject(HEAD);
        for (const [name, expected] of Object.entries(models))
          expect(findCatalogueModel(catalogue, "zhipuai", name)).toEqual(JSON.parse(JSON.stringify(expected)));
      }),
    );
  });
});

describe("findCatalogueModel", () => {
  const catalogue: Catalogue = { ...HEAD, providers: { zhipuai: { models: { good: small, bad: { limit: 1 } } } } };

  it("finds neither a malformed model nor an inherited name", () => {
    expect(findCatalogueModel(catalogue, "zhipuai", "good")).toEqual(small);
    for (const [provider, name] of [
      ["zhipuai", "bad"],
      ["zhipuai", "toString"],
      ["constructor", "name"],
    ] as const)
      expect(findCatalogueModel(catalogue, provider, name)).toBeUndefined();
  });
});

describe("the catalogue of the package", () => {
  const catalogue = readShippedCatalogue();

  it("has a date, a source and its licence, and only well-formed models", () => {
    expect(catalogue.source).toBe("https://models.dev/api.json");
    expect(catalogue.license).toMatch(/^MIT License\n\nCopyright .* WITHOUT WARRANTY/s);
    for (const [provider, { models }] of Object.entries(catalogue.providers))
      for (const name of Object.keys(models)) expect(findCatalogueModel(catalogue, provider, name)).toBeDefined();
  });

  it("has every provider that a profile names", () => {
    expect(Object.keys(catalogue.providers)).toEqual(listCatalogueNames().toSorted());
  });

  it("is not repeated by profiles: they contain no price or limit that it has", () => {
    for (const entry of createRegistry().providers) {
      for (const { name, price, maxTokens, maxOutputTokens } of entry.models) {
        const listed = findCatalogueModel(catalogue, entry.catalogue ?? "", name);
        if (listed) expect({ name, price, maxTokens, maxOutputTokens }).toEqual({ name });
      }
    }
  });
});
