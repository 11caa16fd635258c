import { describe, expect, it } from "vitest";
import { composeRequest } from "#src/producer/client/compose-request.ts";
import { findTemplate } from "#src/providers/prompt-templates/conversation-templates.ts";

const user = { role: "user", content: "hi ### user: still the text" } as const;

describe("composeRequest", () => {
  it.each(["zhipu", "spark", "minimax", "openai", "vllm"])(
    "puts the usual system message of %s before messages that have none, when asked to",
    (provider) => {
      const { systemMessage } = findTemplate(provider);
      const request = composeRequest(provider, { messages: [user], template: "default", temperature: 0.5 });
      expect(request).toEqual({
        messages: [{ role: "system", content: systemMessage }, user],
        temperature: 0.5,
      });
    },
  );

  it("leaves messages alone that were not to be changed or have a system message", () => {
    const own = [{ role: "system", content: "mine" } as const, user];
    expect(composeRequest("zhipu", { messages: [user] })).toEqual({ messages: [user] });
    expect(composeRequest("zhipu", { messages: own, template: "default" })).toEqual({ messages: own });
  });

  it("takes a prompt for one user message, or with the template for the conversation it holds", () => {
    const prompt = "S\n### USER: hi\n### BOT: yo\n### USER: again\n### BOT:";
    expect(composeRequest("minimax", { prompt }).messages).toEqual([{ role: "user", content: prompt }]);
    expect(composeRequest("minimax", { prompt, template: "default" }).messages).toEqual([
      { role: "system", content: "S" },
      { role: "user", content: "hi" },
      { role: "assistant", content: "yo" },
      { role: "user", content: "again" },
    ]);
  });

  it.each([
    [{}, "either messages or prompt"],
    [{ messages: [user], prompt: "x" }, "either messages or prompt"],
    [{ prompt: " " }, "is not empty"],
    [{ prompt: "x", template: "other" as never }, 'expected "default"'],
  ])("refuses %j", (options, message) => {
    expect(() => composeRequest("openai", options)).toThrow(message);
  });
});
