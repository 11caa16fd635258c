import { expect, test } from "vitest";
import { TemplateError } from "#src/evaluation/liquid-templates.ts";
import { PromptTemplates } from "#src/producer/run-kinds/evaluation/prompt-templates.ts";

const templates = new PromptTemplates();

test("messages are rendered with the fields of the row, at any depth", () => {
  const content = [
    { type: "text", text: "What is on {{ name }}?" },
    { type: "image_url", image_url: { url: "{{ image }}" } },
  ];
  const messages = [
    { role: "user", content },
    { role: "assistant", content: "{{ list | join: ', ' }}" },
  ];
  const rendered = templates.renderPrompt(
    { name: "p", messages },
    { name: "it", image: "http://127.0.0.1/a.png", list: [1, 2] },
  );
  expect(rendered).toEqual([
    {
      role: "user",
      content: [
        { type: "text", text: "What is on it?" },
        { type: "image_url", image_url: { url: "http://127.0.0.1/a.png" } },
      ],
    },
    { role: "assistant", content: "1, 2" },
  ]);
  expect(templates.renderPrompt({ name: "p", system: "Be short.", user: "{{ q }}" }, { q: "Why?" })).toEqual([
    { role: "system", content: "Be short." },
    { role: "user", content: "Why?" },
  ]);
});

test("a field that the row does not have is named; inherited properties are no fields", () => {
  const render = (template: string) => () => templates.render(template, { question: { text: "x" } });
  expect(render("{{ answer }}")).toThrow(new TemplateError('the row has no field "answer"'));
  expect(render("{{ question.title }}")).toThrow('the row has no field "question.title"');
  for (const name of ["constructor", "__proto__", "question.constructor", "toString"])
    expect(render(`{{ ${name} }}`), name).toThrow(TemplateError);
});

test("templates read no files", () => {
  for (const template of ["{% include '/etc/passwd' %}", "{% render 'package.json' %}", "{% layout 'x' %}"]) {
    const read = () => {
      const problem = templates.findSyntaxProblem(template);
      if (problem !== undefined) throw new TemplateError(problem);
      return templates.render(template, {});
    };
    expect(read, template).toThrow(TemplateError);
  }
});

test("a template that never ends is stopped", () => {
  const endless = "{% for i in (1..100000000) %}{% for j in (1..100000000) %}x{% endfor %}{% endfor %}";
  expect(() => templates.render(endless, {})).toThrow(TemplateError);
});

test("a syntax error says what is wrong, without the template's text", () => {
  expect(templates.findSyntaxProblem("private {{ question | nosuchfilter }}")).toBeDefined();
  const problem = templates.findSyntaxProblem("private {% if %}");
  expect(problem).toMatch(/^not a valid template: /);
  expect(problem).not.toContain("private");
});
