import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { ErrorBody } from "#src/dashboard/http/error-api.ts";
import type { LiveChatEvent } from "#src/dashboard/live/chat-api.ts";
import { ServerError } from "#src/dashboard/web/api-client/request-api.ts";
import { Card } from "#src/dashboard/web/components/card.tsx";
import { ErrorKindLabel } from "#src/dashboard/web/components/error-kind-label.tsx";
import { ErrorNote } from "#src/dashboard/web/components/error-note.tsx";
import { FailureMessage } from "#src/dashboard/web/components/failure-message.tsx";
import { StatusBadge } from "#src/dashboard/web/components/status-badge.tsx";
import { UntrustedText } from "#src/dashboard/web/components/untrusted-text.tsx";
import { formatters } from "#src/dashboard/web/format/formatters.ts";
import { translations } from "#src/dashboard/web/i18n/i18n.ts";
import { EMPTY_ANSWER, reduceChatEvent, type StreamedAnswer } from "./reduce-chat-event.ts";

export interface FollowedChatState {
  readonly item?: string;
  readonly answer: StreamedAnswer;
  readonly refused?: ErrorBody["error"];
}

/** Builds the answer from chat events. Each time the event stream opens, it sends the answer from the first delta. */
export function useFollowedChat() {
  const state = useSignal<FollowedChatState>({ answer: EMPTY_ANSWER });
  const isFresh = useRef(true);
  return {
    state,
    reset: () => {
      isFresh.current = true;
    },
    handleEvent: (event: LiveChatEvent) => {
      const isContinuation = !isFresh.current && state.value.item === event.item;
      isFresh.current = false;
      state.value = {
        item: event.item,
        answer: reduceChatEvent(isContinuation ? state.value.answer : EMPTY_ANSWER, event),
      };
    },
    // The answer received so far is kept, because an ended chat may be removed shortly after.
    handleRefusal: ({ error }: ErrorBody) => {
      state.value = { ...state.value, refused: error };
    },
  };
}

/** The answer of a chat while it is streamed. Model output is only ever rendered as text. */
export function FollowedChat({ item, state }: { item: string; state: FollowedChatState }) {
  const isCurrentChat = state.item === item;
  const answer = isCurrentChat ? state.answer : EMPTY_ANSWER;
  const refused = isCurrentChat && answer.isFinished ? undefined : state.refused;
  const scrollArea = useRef<HTMLPreElement>(null);
  useEffect(() => {
    const element = scrollArea.current;
    if (!element) return;
    const isAtEnd = element.scrollHeight - element.scrollTop - element.clientHeight < 80;
    if (isAtEnd) element.scrollTop = element.scrollHeight;
  }, [answer]);
  const t = translations.value.live;
  const heading = useRef<HTMLDivElement>(null);
  // The "Follow chat" button may be far down the list, so scroll to the answer.
  useEffect(() => heading.current?.scrollIntoView({ block: "nearest" }), [item]);
  return (
    <Card
      title={t.answer}
      actions={
        answer.isFinished ? (
          <StatusBadge tone={answer.failure ? "error" : "success"}>
            {answer.failure ? t.failed : t.finished}
          </StatusBadge>
        ) : (
          <StatusBadge tone="active">{t.receivedCharacters(formatters.value.count(answer.text.length))}</StatusBadge>
        )
      }
    >
      <div class="card-body">
        <div ref={heading} class="small muted">
          <UntrustedText value={item} isMonospace />
        </div>
        {refused === undefined ? null : <ErrorNote error={new ServerError(refused.code, refused.message, refused)} />}
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: scrollable content must be reachable with the keyboard */}
        <pre class="raw-text followed-chat" tabIndex={0} ref={scrollArea}>
          {answer.reasoning === "" ? null : <span class="reasoning">{`${answer.reasoning}\n\n`}</span>}
          {answer.text}
          {answer.tools === "" ? null : `\n\n${answer.tools}`}
        </pre>
        {answer.failure === undefined ? null : (
          <p class="note error">
            <ErrorKindLabel kind={answer.failure.kind} />: <FailureMessage {...answer.failure} />
          </p>
        )}
      </div>
    </Card>
  );
}
