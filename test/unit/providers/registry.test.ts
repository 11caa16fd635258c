import { describe, expect, it } from "vitest";
import { editDistance, findNearestNames } from "../../../src/providers/nearest-names.ts";
import {
  createProvider,
  findModel,
  listModelNames,
  PROVIDERS,
  UnknownModelError,
} from "../../../src/providers/registry.ts";
import type { Transport } from "../../../src/providers/transport/transport.ts";

const noTransport: Transport = {
  post: () => Promise.reject(new Error("not here")),
  stream: () => Promise.reject(new Error("not here")),
  close: async () => {},
};

describe("the table of providers", () => {
  it("finds a model by its full name", () => {
    const { provider, model } = findModel("minimax/embo-01");
    expect(provider).toBe("minimax");
    expect(model).toMatchObject({ kind: "embedding", dimensions: 1536, maxInputs: 10, maxTokens: 4096 });
  });

  it.each([
    ["minimax/embo-1", "minimax/embo-01"],
    ["minimax/ebmo-01", "minimax/embo-01"],
    ["MiniMax/Embo-01", "minimax/embo-01"],
    ["minmax/embo01", "minimax/embo-01"],
    ["embo-01", "minimax/embo-01"],
  ])("suggests the nearest name for %s", (wanted, nearest) => {
    expect(() => findModel(wanted)).toThrow(
      expect.objectContaining({ name: "UnknownModelError", suggestions: [nearest] }),
    );
    expect(() => findModel(wanted)).toThrow(`"${wanted}" is not a known model. Did you mean ${nearest}?`);
  });

  it("lists what is known when nothing is near", () => {
    expect(() => findModel("zzz")).toThrow("Known are: minimax/embo-01");
  });

  it("makes an adapter by name and refuses unknown names", () => {
    const account = { baseUrl: "http://127.0.0.1:1/v1", apiKey: "k" };
    expect(createProvider("minimax", account, noTransport).name).toBe("minimax");
    expect(() => createProvider("minimx", account, noTransport)).toThrow(UnknownModelError);
  });

  it("holds complete data for every model", () => {
    for (const { defaultBaseUrl, models } of PROVIDERS) {
      expect(defaultBaseUrl).toMatch(/^(https:|wss:|http:\/\/127\.0\.0\.1:)\/*[^/]+(\/.*[^/])?$/);
      for (const model of models) {
        expect(model.name).toMatch(/^[\w./-]+$/);
        if (model.kind === "embedding") expect(model.maxInputs).toBeGreaterThan(0);
      }
    }
    expect(new Set(listModelNames()).size).toBe(listModelNames().length);
  });
});

describe("findNearestNames", () => {
  it.each([
    ["", "", 0],
    ["abc", "", 3],
    ["kitten", "sitting", 3],
    ["ab", "ba", 1],
    ["embo-01", "embo-02", 1],
  ])("counts the edits from %s to %s", (a, b, edits) => {
    expect(editDistance(a, b)).toBe(edits);
    expect(editDistance(b, a)).toBe(edits);
  });

  it("puts the nearest first and leaves out what has little in common", () => {
    expect(findNearestNames("glm-4", ["embedding-3", "glm-4-air", "glm-4", "glm-5"])).toEqual([
      "glm-4",
      "glm-4-air",
      "glm-5",
    ]);
  });
});
