import { describe, expect, it } from "vitest";
import { parseErrorBody } from "#src/providers/response-body.ts";

const parse = (text: string) => parseErrorBody({ status: 400, headers: {}, body: Buffer.from(text) });

describe("parseErrorBody", () => {
  it("reads an object, or the first object of a list", () => {
    expect(parse('{"a":1}')).toEqual({ a: 1 });
    expect(parse(' [ {"a":1}, {"a":2} ]\n')).toEqual({ a: 1 });
  });

  it.each(["", "[]", "[1]", "[[{}]]", "[{}", '[{}],"b":[{}]', "null", "<html>"])("ignores %j", (text) => {
    expect(parse(text)).toBeUndefined();
  });
});
