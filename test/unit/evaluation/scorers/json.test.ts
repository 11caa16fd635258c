import { expect, test } from "vitest";
import { createScorerRegistry } from "#src/evaluation/scorers/registry.ts";
import { compileSchema } from "#src/evaluation/scorers/sandboxed/json-schema.ts";
import { createSample } from "#test/support/evaluation/create-sample.ts";

const DRAFT_7 = "http://json-schema.org/draft-07/schema#";

const tree = {
  $ref: "#/$defs/node",
  $defs: { node: { type: "object", properties: { next: { $ref: "#/$defs/node" } }, required: ["v"] } },
};

test.each([
  [{ properties: { a: { type: "string" } } }, { a: 1 }, false],
  [{ properties: { a: { type: "string" } } }, 5, true],
  [{ required: ["a"] }, {}, false],
  [{ required: ["toString"] }, {}, false],
  [{ type: "integer" }, 1, true],
  [{ type: "integer" }, 1.5, false],
  [{ type: ["string", "null"] }, null, true],
  [{ type: "object" }, [], false],
  [{ additionalProperties: false, properties: { a: {} } }, { a: 1, b: 2 }, false],
  [{ patternProperties: { "^x": { type: "number" } }, additionalProperties: false }, { xa: 1 }, true],
  [{ patternProperties: { "^x": { type: "number" } } }, { xa: "s" }, false],
  [{ propertyNames: { maxLength: 2 } }, { abc: 1 }, false],
  [{ minProperties: 1 }, {}, false],
  [{ dependentRequired: { a: ["b"] } }, { a: 1 }, false],
  [{ minLength: 3 }, "ab", false],
  [{ maxLength: 1 }, "😀", true],
  [{ pattern: "^a+$" }, "ab", false],
  [{ minimum: 3 }, 3, true],
  [{ exclusiveMinimum: 3 }, 3, false],
  [{ maximum: 3 }, 4, false],
  [{ multipleOf: 0.1 }, 0.3, true],
  [{ multipleOf: 2 }, 3, false],
  [{ items: { type: "number" } }, [1, "a"], false],
  [{ prefixItems: [{ type: "string" }], items: false }, ["a", 1], false],
  [{ $schema: DRAFT_7, items: [{ type: "string" }], additionalItems: false }, ["a"], true],
  [{ $schema: DRAFT_7, items: [{ type: "string" }], additionalItems: false }, ["a", 1], false],
  [{ uniqueItems: true }, [{ a: 1 }, { a: 1 }], false],
  [{ contains: { const: 2 } }, [1], false],
  [{ contains: { const: 2 }, maxContains: 1 }, [2, 2], false],
  [{ minItems: 2 }, [1], false],
  [{ enum: ["a", { b: 1 }] }, { b: 1 }, true],
  [{ const: null }, 0, false],
  [{ allOf: [{ minimum: 1 }, { maximum: 2 }] }, 3, false],
  [{ anyOf: [{ type: "string" }, { minimum: 5 }] }, 3, false],
  [{ oneOf: [{ type: "number" }, { type: "integer" }] }, 1, false],
  [{ not: { type: "string" } }, "a", false],
  [JSON.parse('{"if":{"properties":{"k":{"const":1}}},"then":{"required":["v"]}}'), { k: 1 }, false],
  [{ if: { properties: { k: { const: 1 } } }, else: { required: ["v"] } }, { k: 1 }, true],
  [tree, { v: 1, next: { v: 2 } }, true],
  [tree, { v: 1, next: {} }, false],
  [{ $ref: "#" }, 1, false],
  [{ properties: { a: true }, unevaluatedProperties: false }, { a: 1, b: 2 }, false],
  [false, 1, false],
])("the schema %j and the value %j", (schema, value, isValid) => {
  expect(compileSchema(schema)(value) === undefined).toBe(isValid);
});

test("unknown keywords, and broken references, are found", () => {
  expect(() => compileSchema({ properties: { a: { requird: ["b"] } } })).toThrow('unknown keyword: "requird"');
  expect(() => compileSchema({ items: { $ref: "#/$defs/none" } })).toThrow("#/$defs/none");
  expect(
    createScorerRegistry().create("s", "json", { schema: { $ref: "https://example.com" } }).problems,
  ).toMatchObject([{ path: ["schema"] }]);
});

test("json finds the value in a text, and explains what is wrong with it", async () => {
  await using registry = createScorerRegistry();
  const schema = { type: "object", required: ["name"], properties: { name: { type: "string" } } };
  const { scorer } = registry.create("s", "json", { schema });
  const score = async (text: string) => await scorer?.score(createSample(text));
  expect(await score('{"name": "x"}')).toEqual({ status: "scored", value: 1, answer: '{"name":"x"}' });
  expect(await score('Sure:\n```json\n{"name": "x"}\n```')).toMatchObject({ value: 1 });
  expect(await score('It is {"name": "x"}.')).toMatchObject({ value: 1 });
  expect(await score('{"name": 1}')).toMatchObject({ value: 0, explanation: "$.name must be string" });
  expect(await score("[]")).toMatchObject({ value: 0 });
  expect(await score("no")).toMatchObject({ status: "unparseable" });
  const equal = registry.create("s", "json", { equals: true }).scorer;
  expect(await equal?.score(createSample('{"b":1,"a":2}', ['{"a":2,"b":1}']))).toMatchObject({ value: 1 });
  expect(await equal?.score(createSample("[1,2]", ["[2,1]"]))).toMatchObject({ value: 0 });
});
