import type { Signal } from "@preact/signals";
import type { RunPage } from "#src/dashboard/runs/run-api.ts";
import { canOperate } from "#src/dashboard/web/api-client/session.ts";
import { escapeControlCharacters } from "#src/dashboard/web/components/escape-control-characters.ts";
import { translations } from "#src/dashboard/web/i18n/i18n.ts";
import type { ItemSearchFilter } from "./item-filter.ts";

/** The fields that most people need less often. */
const MORE_FIELDS = ["tokens", "attempts", "duration", "lane", "metadata"] as const;
const RANGE = String.raw`\d+|\d*\.\.\d+|\d+\.\.`;

/** The form of the filter; what it contains is applied when it is submitted. */
export function ItemFilterForm({
  page,
  filter,
  isBusy,
}: {
  page: RunPage;
  filter: Signal<ItemSearchFilter | undefined>;
  isBusy: boolean;
}) {
  const t = translations.value.items;
  const current = filter.value ?? {};
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget as HTMLFormElement);
    const values = [...fields].filter(([, value]) => value !== "");
    filter.value = Object.fromEntries(current.sort === undefined ? values : [...values, ["sort", current.sort]]);
  };
  const kinds = new Set(Object.keys(page.failuresByKind));
  if (current.kind) kinds.add(current.kind);
  const isMoreUsed = MORE_FIELDS.some((name) => current[name]) || current.empty !== undefined;
  return (
    <form class="form card-body" onSubmit={submit}>
      {canOperate() ? (
        <TextField name="text" label={t.search} placeholder={t.searchPlaceholder} value={current.text} isWide />
      ) : null}
      <TextField name="id" label={t.id} placeholder={t.idPlaceholder} value={current.id} isWide={!canOperate()} />
      <label class="field">
        <span>{t.status}</span>
        <select class="select" name="status">
          <option value="">{t.any}</option>
          {(["failed", "succeeded", "waiting"] as const).map((status) => (
            <option key={status} value={status} selected={current.status === status}>
              {t.statuses[status]}
            </option>
          ))}
        </select>
      </label>
      {kinds.size === 0 ? null : (
        <label class="field">
          <span>{t.error}</span>
          <select class="select" name="kind">
            <option value="">{t.any}</option>
            {[...kinds].map((kind) => (
              <option key={kind} value={kind} selected={current.kind === kind}>
                {(Object.hasOwn(translations.value.kinds, kind) && translations.value.kinds[kind]) ||
                  escapeControlCharacters(kind)}
              </option>
            ))}
          </select>
        </label>
      )}
      {current.cause === undefined ? null : (
        <label class="checkbox-field">
          <input type="checkbox" name="cause" value={current.cause} defaultChecked />
          {t.onlyThisCause}
        </label>
      )}
      <details class="more-filters" open={isMoreUsed}>
        <summary>{t.moreFilters}</summary>
        <div class="form">
          <TextField name="tokens" label={t.tokens} placeholder="100..500" value={current.tokens} pattern={RANGE} />
          <TextField name="attempts" label={t.attempts} placeholder="3.." value={current.attempts} pattern={RANGE} />
          <TextField
            name="duration"
            label={t.durationMs}
            placeholder="2000.."
            value={current.duration}
            pattern={RANGE}
          />
          <TextField name="lane" label={t.lane} placeholder="minimax/embo-01" value={current.lane} />
          {canOperate() ? (
            <TextField
              name="metadata"
              label={t.metadata}
              placeholder={t.metadataPlaceholder}
              value={current.metadata}
              pattern="[^=]+=.*"
            />
          ) : null}
          {page.kind === "embedding" ? null : (
            <label class="checkbox-field">
              <input type="checkbox" name="empty" value="1" defaultChecked={current.empty === "1"} />
              {t.onlyEmpty}
            </label>
          )}
        </div>
      </details>
      <button type="submit" class="button" disabled={isBusy}>
        {isBusy ? translations.value.common.working : t.findItems}
      </button>
    </form>
  );
}

function TextField({
  name,
  label,
  placeholder,
  value,
  pattern,
  isWide = false,
}: {
  name: string;
  label: string;
  placeholder: string;
  value: string | undefined;
  pattern?: string;
  isWide?: boolean;
}) {
  return (
    <label class={isWide ? "field grow" : "field"}>
      <span>{label}</span>
      <input
        class="input"
        type="search"
        name={name}
        maxLength={500}
        placeholder={placeholder}
        pattern={pattern}
        defaultValue={value ?? ""}
      />
    </label>
  );
}
