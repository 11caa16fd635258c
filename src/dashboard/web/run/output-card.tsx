import type { RunPage } from "#src/dashboard/runs/run-api.ts";
import { Card } from "#src/dashboard/web/components/card.tsx";
import { DescriptionList } from "#src/dashboard/web/components/description-list.tsx";
import { ServerMessage } from "#src/dashboard/web/components/server-message.tsx";
import { UntrustedText } from "#src/dashboard/web/components/untrusted-text.tsx";
import { DASH } from "#src/dashboard/web/format/format-number.ts";
import { translations } from "#src/dashboard/web/i18n/i18n.ts";

/** Folder, command, format, and files of the run's output. */
export function OutputCard({ page }: { page: RunPage }) {
  const t = translations.value.run;
  const { folder, output, startedWith } = page;
  return (
    <Card title={t.output}>
      <div class="card-body">
        <DescriptionList
          items={[
            {
              label: t.folder,
              value: folder.dir === undefined ? DASH : <UntrustedText value={folder.dir} />,
              below: (
                <>
                  <UntrustedText value={folder.host ?? ""} />
                  {folder.isReadable ? null : (
                    <>
                      {folder.host === undefined ? null : " · "}
                      <ServerMessage code={folder.reasonCode} text={folder.reason ?? t.notReadable} />
                    </>
                  )}
                </>
              ),
              width: "full-width",
            },
            ...(startedWith === undefined
              ? []
              : [
                  {
                    label: t.startedWith,
                    value: <UntrustedText value={startedWith.command} />,
                    below: <UntrustedText value={startedWith.cwd} />,
                    width: "full-width" as const,
                  },
                ]),
            { label: t.format, value: output?.format ?? DASH },
            {
              label: t.files,
              value:
                output === undefined || output.files.length === 0 ? (
                  DASH
                ) : (
                  <ul>
                    {output.files.map((file) => (
                      <li key={file}>
                        <UntrustedText value={file} />
                      </li>
                    ))}
                  </ul>
                ),
            },
          ]}
        />
      </div>
    </Card>
  );
}
