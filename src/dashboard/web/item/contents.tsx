import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { ItemHistory, MaskedText, RevealedItem } from "#src/dashboard/items/item-api.ts";
import { requestApi } from "#src/dashboard/web/api-client/request-api.ts";
import { canOperate, session } from "#src/dashboard/web/api-client/session.ts";
import { Card } from "#src/dashboard/web/components/card.tsx";
import { openDialog } from "#src/dashboard/web/components/dialog.tsx";
import { ErrorNote } from "#src/dashboard/web/components/error-note.tsx";
import { ServerMessage } from "#src/dashboard/web/components/server-message.tsx";
import { formatters } from "#src/dashboard/web/format/formatters.ts";
import { translations } from "#src/dashboard/web/i18n/i18n.ts";

/**
 * Request and response: their lengths and, once an operator has revealed them, their texts. Without passwords, everybody
 * who can open the page can also open the files, so the texts are shown directly.
 */
export function Contents({ item }: { item: ItemHistory }) {
  const revealed = useSignal<RevealedItem | undefined>(undefined);
  const t = translations.value.items;
  const hasText = item.request.characters !== undefined || item.response.characters !== undefined;
  const isShownDirectly = session.value?.isAuthDisabled === true && hasText;
  const error = useSignal<unknown>(undefined);
  const load = async () => {
    const path = `api/runs/${encodeURIComponent(item.run)}/items/${item.index}/reveal`;
    revealed.value = await requestApi<RevealedItem>(path, { body: {} });
  };
  useEffect(() => {
    if (!isShownDirectly) return;
    load().catch((thrown: unknown) => {
      error.value = thrown;
    });
    // Again when the answer arrives.
  }, [isShownDirectly, item.request.characters, item.response.characters]);
  const reveal = () =>
    openDialog({
      title: t.showTextTitle,
      body: <p>{t.showTextBody}</p>,
      confirmLabel: t.showText,
      onConfirm: async () => {
        await load();
        return translations.value.items.textShown;
      },
    });
  const button = isShownDirectly ? null : revealed.value ? (
    <button
      type="button"
      class="button compact"
      onClick={() => {
        revealed.value = undefined;
      }}
    >
      {t.hideText}
    </button>
  ) : canOperate() && hasText ? (
    <button type="button" class="button compact" onClick={reveal}>
      {t.showText}
    </button>
  ) : null;
  return (
    <Card title={t.contents} actions={button}>
      {error.value === undefined ? null : <ErrorNote error={error.value} />}
      <div class="card-body columns">
        <Content title={t.request} masked={item.request} plain={revealed.value?.request} />
        <Content title={t.response} masked={item.response} plain={revealed.value?.response} />
      </div>
    </Card>
  );
}

function Content({ title, masked, plain }: { title: string; masked: MaskedText; plain: RevealedItem["request"] }) {
  const t = translations.value.items;
  const { count } = formatters.value;
  return (
    <section>
      <h3>{title}</h3>
      {plain === undefined ? (
        <p class="muted">
          {masked.characters === undefined ? (
            masked.absentReason === undefined ? (
              count(undefined)
            ) : (
              <ServerMessage code={masked.absentCode && `absent-${masked.absentCode}`} text={masked.absentReason} />
            )
          ) : (
            t.masked(count(masked.characters))
          )}
        </p>
      ) : (
        <>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: scrollable content must be reachable with the keyboard */}
          <pre class="raw-text" tabIndex={0}>
            {plain.text}
          </pre>
          {plain.cut === undefined ? null : <p class="small muted">{t.cut(count(plain.cut))}</p>}
        </>
      )}
    </section>
  );
}
