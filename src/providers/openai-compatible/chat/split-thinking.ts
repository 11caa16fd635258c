/**
 * Some models write their reasoning into the content: `<think>`, reasoning, `</think>`, answer. Only a tag at the
 * beginning of the content counts; a later one is text that the model wrote about.
 */
export interface ThinkingState {
  readonly phase: "start" | "opened" | "thinking" | "closed" | "answer";
  /** Characters that may be the beginning of a tag. */
  readonly held: string;
}

interface ThinkingSplit {
  readonly state: ThinkingState;
  readonly reasoning: string;
  readonly text: string;
}

export const THINKING_START: ThinkingState = { phase: "start", held: "" };

/** No tag can follow. */
export const ANSWER_STARTED: ThinkingState = { phase: "answer", held: "" };

const OPENING = "<think>";
const CLOSING = "</think>";
/** More white space than any model writes before its tag; after that much, the answer has begun. */
const MAX_LEADING_SPACE = 16;
/** The beginning of a closing tag, with the line breaks before it. */
const PARTIAL_CLOSING = /\n{0,2}(<(\/(t(h(i(n(k)?)?)?)?)?)?)?$/;

/** Splits the next piece of the content. Line breaks next to the tags are dropped. */
export function splitThinking(state: ThinkingState, piece: string): ThinkingSplit {
  const content = state.held + piece;
  switch (state.phase) {
    case "start":
      return splitStart(content);
    case "opened":
    case "thinking":
      return splitInside(state.phase, content);
    case "closed":
      return splitAfter(content);
    case "answer":
      return { state, reasoning: "", text: content };
  }
}

/** The characters that are still held when the content ends. */
export function flushThinking({ phase, held }: ThinkingState): { reasoning: string; text: string } {
  const isInside = phase === "opened" || phase === "thinking";
  return isInside ? { reasoning: held, text: "" } : { reasoning: "", text: held };
}

function splitStart(content: string): ThinkingSplit {
  const visible = content.trimStart();
  if (visible.startsWith(OPENING)) return splitInside("opened", visible.slice(OPENING.length));
  const isUndecided = OPENING.startsWith(visible) && content.length - visible.length <= MAX_LEADING_SPACE;
  return isUndecided
    ? { state: { phase: "start", held: content }, reasoning: "", text: "" }
    : { state: { phase: "answer", held: "" }, reasoning: "", text: content };
}

function splitInside(phase: "opened" | "thinking", content: string): ThinkingSplit {
  const inner = phase === "opened" ? content.replace(/^\n+/, "") : content;
  const end = inner.indexOf(CLOSING);
  if (end >= 0) {
    const after = splitAfter(inner.slice(end + CLOSING.length));
    return { ...after, reasoning: inner.slice(0, end).replace(/\n{1,2}$/, "") };
  }
  const held = PARTIAL_CLOSING.exec(inner)?.[0] ?? "";
  const reasoning = inner.slice(0, inner.length - held.length);
  const hasStarted = phase === "thinking" || reasoning !== "";
  return { state: { phase: hasStarted ? "thinking" : "opened", held }, reasoning, text: "" };
}

function splitAfter(content: string): ThinkingSplit {
  const text = content.replace(/^\n+/, "");
  return { state: { phase: text === "" ? "closed" : "answer", held: "" }, reasoning: "", text };
}
