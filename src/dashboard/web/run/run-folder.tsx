import type { RunPage } from "../../contract.ts";
import { DASH } from "../format/format-number.ts";
import { Card } from "../parts/card.tsx";
import { Facts } from "../parts/facts.tsx";
import { Said } from "../parts/said.tsx";
import { Text } from "../parts/text.tsx";
import { words } from "../words/words.ts";

/** Where the run's output is, and how to go on with it. */
export function RunFolder({ page }: { page: RunPage }) {
  const w = words.value.run;
  const { folder, output } = page;
  return (
    <Card title={w.output}>
      <div class="body">
        <Facts
          facts={[
            {
              label: w.folder,
              value: folder.dir === undefined ? DASH : <Text value={folder.dir} />,
              below: (
                <>
                  <Text value={folder.host ?? ""} />
                  {folder.here ? null : (
                    <>
                      {folder.host === undefined ? null : " · "}
                      <Said code={folder.reasonCode} text={folder.reason ?? w.notHere} />
                    </>
                  )}
                </>
              ),
              width: "whole",
            },
            { label: w.format, value: output?.format ?? DASH },
            {
              label: w.files,
              value:
                output === undefined || output.files.length === 0 ? (
                  DASH
                ) : (
                  <ul>
                    {output.files.map((file) => (
                      <li key={file}>
                        <Text value={file} />
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
