import { expect, test } from "vitest";
import { writeFastchatError } from "#src/api/fastchat/fastchat-error.ts";
import { API_ERRORS } from "#src/api/http/api-error.ts";

test.each([
  [API_ERRORS.unknownModel("x", []), 40301],
  [API_ERRORS.invalidValue("messages", "too long", "context_length_exceeded"), 40303],
  [API_ERRORS.invalidValue("temperature", "temperature must be a number from 0 to 2.", "invalid_parameter"), 40302],
  [API_ERRORS.malformedJson(), 40001],
  [API_ERRORS.internal(), 50001],
])("%s has FastChat's code %i", (error, code) => {
  expect(writeFastchatError(error)).toEqual({ status: 400, body: { object: "error", message: error.message, code } });
});

test("a wrong key has the form that FastChat's clients know", () => {
  expect(writeFastchatError(API_ERRORS.invalidKey())).toEqual({
    status: 401,
    body: { detail: { error: { message: "", type: "invalid_request_error", param: null, code: "invalid_api_key" } } },
  });
});
