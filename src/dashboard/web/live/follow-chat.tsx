import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { ErrorBody, LiveChatEvent } from "../../contract.ts";
import { show } from "../format/show.ts";
import { Card } from "../parts/card.tsx";
import { Kind } from "../parts/kind.tsx";
import { Problem } from "../parts/problem.tsx";
import { State } from "../parts/state.tsx";
import { Text } from "../parts/text.tsx";
import { ServerError } from "../server/ask-server.ts";
import { words } from "../words/words.ts";
import { type Gathered, gatherDelta, NOTHING_YET } from "./gather-deltas.ts";

export interface FollowedChatState {
  readonly item?: string;
  readonly gathered: Gathered;
  readonly refused?: ErrorBody["error"];
}

/** Gathers the answer that the page's stream brings: from its first delta on, each time the stream is opened. */
export function useFollowedChat() {
  const state = useSignal<FollowedChatState>({ gathered: NOTHING_YET });
  const isFresh = useRef(true);
  return {
    state,
    begin: () => {
      isFresh.current = true;
    },
    take: (event: LiveChatEvent) => {
      const goesOn = !isFresh.current && state.value.item === event.item;
      isFresh.current = false;
      state.value = {
        item: event.item,
        gathered: gatherDelta(goesOn ? state.value.gathered : NOTHING_YET, event),
      };
    },
    // What has been gathered stays: a chat that has ended may be forgotten a moment later.
    refuse: ({ error }: ErrorBody) => {
      state.value = { ...state.value, refused: error };
    },
  };
}

/** One chat's answer as it comes. It is text and nothing else, whatever the model says. */
export function FollowedChat({ item, state }: { item: string; state: FollowedChatState }) {
  const isHere = state.item === item;
  const now = isHere ? state.gathered : NOTHING_YET;
  const refused = isHere && now.isOver ? undefined : state.refused;
  const box = useRef<HTMLPreElement>(null);
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const isAtEnd = element.scrollHeight - element.scrollTop - element.clientHeight < 80;
    if (isAtEnd) element.scrollTop = element.scrollHeight;
  }, [now]);
  const w = words.value.live;
  const top = useRef<HTMLDivElement>(null);
  // Whoever asked for it far down a list is led to it.
  useEffect(() => top.current?.scrollIntoView({ block: "nearest" }), [item]);
  return (
    <Card
      title={w.answer}
      end={
        now.isOver ? (
          <State tone={now.failure ? "bad" : "good"}>{now.failure ? w.failed : w.ended}</State>
        ) : (
          <State tone="live">{w.comes(show.value.count(now.text.length))}</State>
        )
      }
    >
      <div class="body">
        <div ref={top} class="small soft">
          <Text value={item} mono />
        </div>
        {refused === undefined ? null : (
          <Problem error={new ServerError(refused.code, refused.message, refused)} />
        )}
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable with the keyboard */}
        <pre class="words follow" tabIndex={0} ref={box}>
          {now.reasoning === "" ? null : <span class="reasoning">{`${now.reasoning}\n\n`}</span>}
          {now.text}
          {now.tools === "" ? null : `\n\n${now.tools}`}
        </pre>
        {now.failure === undefined ? null : (
          <p class="note bad">
            <Kind kind={now.failure.kind} />: <Text value={now.failure.message} />
          </p>
        )}
      </div>
    </Card>
  );
}
