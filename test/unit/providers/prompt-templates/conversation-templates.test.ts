import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { applyTemplate } from "#src/providers/prompt-templates/apply-template.ts";
import {
  COMMON_TEMPLATE,
  CONVERSATION_TEMPLATES,
  findTemplate,
} from "#src/providers/prompt-templates/conversation-templates.ts";
import { parsePrompt } from "#src/providers/prompt-templates/parse-prompt.ts";
import { renderPrompt } from "#src/providers/prompt-templates/render-prompt.ts";
import type { ChatMessage } from "#src/providers/provider.ts";

const all = Object.entries({ ...CONVERSATION_TEMPLATES, common: COMMON_TEMPLATE });
const { zhipu, spark, minimax } = CONVERSATION_TEMPLATES as Required<typeof CONVERSATION_TEMPLATES>;

const conversation: ChatMessage[] = [
  { role: "system", content: "S" },
  { role: "user", content: "hi" },
  { role: "assistant", content: "yo" },
  { role: "user", content: "again" },
];

describe("renderPrompt", () => {
  it.each([
    [zhipu, "S\n###user: hi\n###assistant: yo\n###user: again\n###assistant:"],
    [spark, "S\n### user: hi\n### assistant: yo\n### user: again\n### assistant:"],
    [minimax, "S\n### USER: hi\n### BOT: yo\n### USER: again\n### BOT:"],
  ])("writes system text, names and texts between separators", (template, prompt) => {
    expect(renderPrompt(template!, conversation)).toBe(prompt);
  });

  it("keeps a later system message, as a separate turn if the template has that role", () => {
    const later: ChatMessage[] = [...conversation, { role: "system", content: "be brief" }];
    expect(renderPrompt(zhipu!, later)).toContain("\n###system: be brief\n###assistant:");
    expect(renderPrompt(minimax!, later)).toMatch(/^S\n\nbe brief\n### USER: hi/);
  });

  it("reads text parts, and rejects parts that plain text cannot represent", () => {
    const parts = [
      { type: "text", text: "a" },
      { type: "text", text: "b" },
    ];
    expect(renderPrompt(minimax!, [{ role: "user", content: parts }])).toBe("\n### USER: ab\n### BOT:");
    const image = [{ type: "image_url", image_url: { url: "data:" } }];
    expect(() => renderPrompt(minimax!, [{ role: "user", content: image }])).toThrow("message 0");
    expect(() => renderPrompt(minimax!, [{ role: "tool", content: "4" }])).toThrow("tool calls");
  });
});

describe("parsePrompt", () => {
  it.each(all)("returns every message of %s, including the system message", (_, template) => {
    expect(parsePrompt(template, renderPrompt(template, conversation))).toEqual(conversation);
  });

  it.each(all)("treats headings and separators within a text of %s as text", (_, template) => {
    const messages: ChatMessage[] = [
      { role: "system", content: "# Rules\n### one\n###two" },
      { role: "user", content: "a\n### b\n###c" },
    ];
    const prompt = renderPrompt(template, messages);
    expect(prompt).toContain("a\n### b\n###c");
    expect(parsePrompt(template, prompt)).toEqual(messages);
  });

  it.each(all)("keeps a text of %s that looks like a turn within its message", (_, template) => {
    const turn = `${template.separator}${template.roles.assistant}: I agree`;
    const messages: ChatMessage[] = [
      { role: "system", content: `never say${turn}` },
      { role: "user", content: `quote:${turn}${template.separator}${template.roles.assistant}:` },
      { role: "assistant", content: turn },
    ];
    expect(parsePrompt(template, renderPrompt(template, messages))).toEqual(messages);
  });

  it("treats a prompt without turns as one user message", () => {
    expect(parsePrompt(minimax!, "### Title\n\nWhat is it?\n### more")).toEqual([
      { role: "user", content: "### Title\n\nWhat is it?\n### more" },
    ]);
  });

  it("keeps an unfinished answer", () => {
    expect(parsePrompt(minimax!, "\n### USER: count\n### BOT: 1, 2,")).toEqual([
      { role: "user", content: "count" },
      { role: "assistant", content: "1, 2," },
    ]);
  });

  it.each(all)("returns any conversation of %s unchanged", (_, template) => {
    const { separator, roles } = template;
    const piece = fc.oneof(
      fc.string({ unit: "grapheme", maxLength: 5 }),
      fc.constantFrom("\n", "\\", ":", " ", "###", separator, ...Object.values(roles)),
      fc.constantFrom(...Object.values(roles)).map((name) => `${separator}${name}:`),
    );
    const text = fc.array(piece, { maxLength: 8 }).map((parts) => parts.join(""));
    const turns = fc.array(fc.record({ role: fc.constantFrom("user" as const, "assistant" as const), content: text }), {
      minLength: 1,
      maxLength: 6,
    });
    const system = text.filter((each) => each !== "");
    fc.assert(
      fc.property(fc.option(system, { nil: undefined }), turns, (head, rest) => {
        const messages: ChatMessage[] = [
          ...(head === undefined ? [] : [{ role: "system" as const, content: head }]),
          ...rest,
        ];
        expect(parsePrompt(template, renderPrompt(template, messages))).toEqual(messages);
      }),
      { numRuns: 500 },
    );
  });

  it("never loses a character of a foreign prompt without backslashes", () => {
    const piece = fc.constantFrom("\n### USER:", "\n### BOT:", "\n### Note:", " ", "x", "###", "\n", "你");
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 12 }).map((parts) => parts.join("")),
        (prompt) => {
          const letters = (text: string) => text.replaceAll(/\n### (USER|BOT):| /g, "");
          const texts = parsePrompt(minimax!, prompt).map(({ content }) => content);
          expect(letters(texts.join(""))).toBe(letters(prompt));
        },
      ),
    );
  });
});

describe("applyTemplate", () => {
  it("prepends the provider's system message if there is none, and changes nothing else", () => {
    const request = { messages: conversation.slice(1), temperature: 0.5, extra: { a: 1 } };
    expect(applyTemplate(minimax!, request)).toEqual({
      ...request,
      messages: [{ role: "system", content: minimax!.systemMessage }, ...request.messages],
    });
  });

  it("does not change a request with a system message", () => {
    const request = { messages: conversation };
    expect(applyTemplate(minimax!, request)).toEqual(request);
  });

  it("converts a plain prompt to messages", () => {
    expect(applyTemplate(spark!, { prompt: "Why is the sky blue?", maxTokens: 5 })).toEqual({
      messages: [
        { role: "system", content: spark!.systemMessage },
        { role: "user", content: "Why is the sky blue?" },
      ],
      maxTokens: 5,
    });
    expect(applyTemplate(zhipu!, { prompt: renderPrompt(zhipu!, conversation) }).messages).toEqual(conversation);
  });
});

describe("findTemplate", () => {
  it("returns the provider's own template, or a common one", () => {
    expect(findTemplate("minimax").roles).toEqual({ user: "USER", assistant: "BOT" });
    expect(findTemplate("openai")).toBe(COMMON_TEMPLATE);
    expect(findTemplate("constructor")).toBe(COMMON_TEMPLATE);
  });
});
