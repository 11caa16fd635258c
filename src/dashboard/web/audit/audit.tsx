import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { AuditLine, AuditPage } from "../../contract.ts";
import { show } from "../format/show.ts";
import { Card, Empty } from "../parts/card.tsx";
import { Problem } from "../parts/problem.tsx";
import { Text } from "../parts/text.tsx";
import { askServer } from "../server/ask-server.ts";
import { useLive } from "../server/live.ts";
import { words } from "../words/words.ts";

/** Who changed what, the newest first. */
export function Audit() {
  useLive("", {});
  const lines = useSignal<readonly AuditLine[] | undefined>(undefined);
  const next = useSignal<string | undefined>(undefined);
  const error = useSignal<unknown>(undefined);
  const load = async (before?: string) => {
    try {
      const query = before === undefined ? "" : `&before=${encodeURIComponent(before)}`;
      const page = await askServer<AuditPage>(`api/audit?limit=50${query}`);
      lines.value = [...(before === undefined ? [] : (lines.value ?? [])), ...page.lines];
      next.value = page.next;
      error.value = undefined;
    } catch (thrown) {
      error.value = thrown;
    }
  };
  useEffect(() => void load(), []);
  const w = words.value;
  return (
    <>
      <h1>{w.nav.audit}</h1>
      {error.value === undefined ? null : <Problem error={error.value} />}
      <Card title={w.audit.title}>
        {lines.value === undefined ? (
          error.value === undefined ? (
            <Empty>{w.common.loading}</Empty>
          ) : null
        ) : lines.value.length === 0 ? (
          <Empty>{w.audit.none}</Empty>
        ) : (
          <AuditTable lines={lines.value} />
        )}
      </Card>
      {next.value === undefined ? null : (
        <div class="actions">
          <button type="button" class="button" onClick={() => void load(next.value)}>
            {w.common.older}
          </button>
        </div>
      )}
    </>
  );
}

function AuditTable({ lines }: { lines: readonly AuditLine[] }) {
  const w = words.value.audit;
  const { moment } = show.value;
  return (
    <table class="table">
      <thead>
        <tr>
          <th scope="col">{w.at}</th>
          <th scope="col">{w.who}</th>
          <th scope="col">{w.action}</th>
          <th scope="col">{w.target}</th>
          <th scope="col" class="wide">
            {w.detail}
          </th>
        </tr>
      </thead>
      <tbody>
        {lines.map((line) => (
          <tr key={line.id}>
            <td class="line full">{moment(line.at, Date.now())}</td>
            <td data-label={w.who}>
              <Text value={line.who} /> <span class="soft">{words.value.roles[line.role]}</span>
            </td>
            <td data-label={w.action}>
              {(Object.hasOwn(w.actions, line.action) && w.actions[line.action]) || (
                <Text value={line.action} />
              )}
            </td>
            <td class="full">{line.target === undefined ? null : <Text value={line.target} mono />}</td>
            <td class="full">{line.detail === undefined ? null : <Text value={line.detail} />}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
