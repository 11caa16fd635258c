import type { FrameDefect } from "#src/simulator/server/faults.ts";
import type { SparkChatRequest } from "./check-frame.ts";
import { composeReply } from "./reply.ts";

export interface SparkFrame {
  readonly header: {
    readonly code: number;
    readonly message: string;
    readonly sid: string;
    readonly status: number;
  };
  readonly payload?: {
    readonly choices: {
      readonly status: number;
      readonly seq: number;
      readonly text: readonly Readonly<Record<string, unknown>>[];
    };
    readonly usage?: { readonly text: Readonly<Record<string, number>> };
  };
}

/** The frames of an answer: all frames contain text, and the last one also the usage. */
export function composeFrames(question: SparkChatRequest, sid: string): SparkFrame[] {
  const { pieces, completionTokens } = composeReply(question.question, question.maxTokens);
  const contents: Readonly<Record<string, unknown>>[] =
    question.functionName === undefined
      ? pieces.map((content) => ({ content }))
      : [{ content: "", function_call: { name: question.functionName, arguments: '{"city":"合肥"}' } }];
  return contents.map((content, seq) => {
    const last = seq === contents.length - 1;
    // The only frame of an answer has status 2.
    const status = last ? 2 : seq === 0 ? 0 : 1;
    const usage = {
      text: {
        question_tokens: question.questionTokens,
        prompt_tokens: question.promptTokens,
        completion_tokens: completionTokens,
        total_tokens: question.promptTokens + completionTokens,
      },
    };
    return {
      header: { code: 0, message: "Success", sid, status },
      payload: {
        choices: { status, seq, text: [{ ...content, role: "assistant", index: 0 }] },
        usage: last ? usage : undefined,
      },
    };
  });
}

/** An error frame has no payload. */
export function composeError(code: number, message: string, sid: string): SparkFrame {
  return { header: { code, message, sid, status: 2 } };
}

/** The frames in a wrong order or number. */
export function corruptFrames(frames: readonly SparkFrame[], defect: FrameDefect | undefined): SparkFrame[] {
  const [first, second, ...others] = frames;
  const last = frames.at(-1);
  if (!first || !last) return [];
  switch (defect) {
    case "reordered":
      return frames.toReversed();
    case "duplicated":
      return frames.flatMap((frame) => [frame, frame]);
    case "gap":
      return second ? [first, ...others] : [];
    case "two-last":
      return [...frames, last];
    case "more-after-last":
      return [...frames, first, withSeq(first, frames.length)];
    case "one-frame":
      return [joinFrames(frames, last)];
    case "empty-frames":
      return frames.flatMap((frame, index) => [withSeq(emptied(first), index * 2), withSeq(frame, index * 2 + 1)]);
    case "close-early":
    case "half-close":
      return frames.slice(0, -1);
    default:
      return [...frames];
  }
}

function withSeq(frame: SparkFrame, seq: number): SparkFrame {
  if (!frame.payload) return frame;
  return {
    ...frame,
    payload: { ...frame.payload, choices: { ...frame.payload.choices, seq } },
  };
}

function emptied(frame: SparkFrame): SparkFrame {
  const text = [{ content: "", role: "assistant", index: 0 }];
  return {
    header: { ...frame.header, status: 1 },
    payload: { choices: { status: 1, seq: 0, text } },
  };
}

function joinFrames(frames: readonly SparkFrame[], last: SparkFrame): SparkFrame {
  const content = frames.map((frame) => frame.payload?.choices.text[0]?.content ?? "").join("");
  const joined = withSeq(last, 0);
  if (!joined.payload) return joined;
  const text = [{ content, role: "assistant", index: 0 }];
  return {
    ...joined,
    payload: { ...joined.payload, choices: { ...joined.payload.choices, text } },
  };
}
