/**
 * Some models write their reasoning into the answer itself: `<think>`, reasoning, `</think>`, answer. Only a tag that
 * opens the answer counts; one further in is something the model talks about.
 */
export interface ThinkingState {
  readonly phase: "start" | "opened" | "thinking" | "closed" | "answer";
  /** Characters that may turn out to be part of a tag. */
  readonly held: string;
}

export interface ThinkingSplit {
  readonly state: ThinkingState;
  readonly reasoning: string;
  readonly text: string;
}

export const THINKING_START: ThinkingState = { phase: "start", held: "" };

const OPENING = "<think>";
const CLOSING = "</think>";
/** More white space than any model puts before its tag; past it the answer has begun. */
const MAX_LEADING_SPACE = 16;
/** A closing tag that has begun, with the line breaks before it. */
const BEGUN_CLOSING = /\n{0,2}(<(\/(t(h(i(n(k)?)?)?)?)?)?)?$/;

/** Divides the next piece of the content. Line breaks next to the tags belong to neither side. */
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

/** What is still held when no more comes. */
export function endThinking({ phase, held }: ThinkingState): { reasoning: string; text: string } {
  const inside = phase === "opened" || phase === "thinking";
  return inside ? { reasoning: held, text: "" } : { reasoning: "", text: held };
}

function splitStart(content: string): ThinkingSplit {
  const visible = content.trimStart();
  if (visible.startsWith(OPENING)) return splitInside("opened", visible.slice(OPENING.length));
  const undecided = OPENING.startsWith(visible) && content.length - visible.length <= MAX_LEADING_SPACE;
  return undecided
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
  const held = BEGUN_CLOSING.exec(inner)?.[0] ?? "";
  const reasoning = inner.slice(0, inner.length - held.length);
  const hasStarted = phase === "thinking" || reasoning !== "";
  return { state: { phase: hasStarted ? "thinking" : "opened", held }, reasoning, text: "" };
}

function splitAfter(content: string): ThinkingSplit {
  const text = content.replace(/^\n+/, "");
  return { state: { phase: text === "" ? "closed" : "answer", held: "" }, reasoning: "", text };
}
