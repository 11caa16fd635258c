import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { ErrorBody } from "#src/dashboard/http/error-api.ts";
import type { LiveChatEvent } from "#src/dashboard/live/chat-api.ts";
import { Card } from "#src/dashboard/web/components/card.tsx";
import { ErrorKindLabel } from "#src/dashboard/web/components/error-kind-label.tsx";
import { ErrorMessage } from "#src/dashboard/web/components/error-message.tsx";
import { StatusBadge } from "#src/dashboard/web/components/status-badge.tsx";
import { UntrustedText } from "#src/dashboard/web/components/untrusted-text.tsx";
import { formatters } from "#src/dashboard/web/format/formatters.ts";
import { translations } from "#src/dashboard/web/i18n/i18n.ts";
import { ServerError } from "#src/dashboard/web/server/request-api.ts";
import { EMPTY_ANSWER, reduceChatEvent, type StreamedAnswer } from "./reduce-chat-event.ts";

export interface FollowedChatState {
  readonly item?: string;
  readonly answer: StreamedAnswer;
  readonly refused?: ErrorBody["error"];
}

/** Gathers the answer that the page's stream brings: from its first delta on, each time the stream is opened. */
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
    // What has been gathered stays: a chat that has ended may be forgotten a moment later.
    handleRefusal: ({ error }: ErrorBody) => {
      state.value = { ...state.value, refused: error };
    },
  };
}

/** One chat's answer as it comes. It is text and nothing else, whatever the model says. */
export function FollowedChat({ item, state }: { item: string; state: FollowedChatState }) {
  const isCurrentChat = state.item === item;
  const now = isCurrentChat ? state.answer : EMPTY_ANSWER;
  const refused = isCurrentChat && now.isFinished ? undefined : state.refused;
  const box = useRef<HTMLPreElement>(null);
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const isAtEnd = element.scrollHeight - element.scrollTop - element.clientHeight < 80;
    if (isAtEnd) element.scrollTop = element.scrollHeight;
  }, [now]);
  const t = translations.value.live;
  const top = useRef<HTMLDivElement>(null);
  // Whoever asked for it far down a list is led to it.
  useEffect(() => top.current?.scrollIntoView({ block: "nearest" }), [item]);
  return (
    <Card
      title={t.answer}
      end={
        now.isFinished ? (
          <StatusBadge tone={now.failure ? "error" : "success"}>{now.failure ? t.failed : t.finished}</StatusBadge>
        ) : (
          <StatusBadge tone="active">{t.receivedCharacters(formatters.value.count(now.text.length))}</StatusBadge>
        )
      }
    >
      <div class="card-body">
        <div ref={top} class="small muted">
          <UntrustedText value={item} isMonospace />
        </div>
        {refused === undefined ? null : (
          <ErrorMessage error={new ServerError(refused.code, refused.message, refused)} />
        )}
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable with the keyboard */}
        <pre class="raw-text followed-chat" tabIndex={0} ref={box}>
          {now.reasoning === "" ? null : <span class="reasoning">{`${now.reasoning}\n\n`}</span>}
          {now.text}
          {now.tools === "" ? null : `\n\n${now.tools}`}
        </pre>
        {now.failure === undefined ? null : (
          <p class="note error">
            <ErrorKindLabel kind={now.failure.kind} />: <UntrustedText value={now.failure.message} />
          </p>
        )}
      </div>
    </Card>
  );
}
