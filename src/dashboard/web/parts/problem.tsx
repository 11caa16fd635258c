import { ServerError } from "../server/ask-server.ts";
import { words } from "../words/words.ts";
import { sayReason } from "./said.tsx";
import { Text } from "./text.tsx";

/** Why something could not be had, in the reader's language, and below it what more the server says of it. */
export function Problem({ error }: { error: unknown }) {
  const known = error instanceof ServerError ? words.value.errors[error.code] : undefined;
  return (
    <div class="note bad" role="alert">
      <p>{known ?? words.value.errors.internal}</p>
      {error instanceof ServerError && error.code !== "unreachable" ? (
        <p class="small">{more(error)}</p>
      ) : null}
    </div>
  );
}

function more({ code, reason, message, hint }: ServerError) {
  return sayReason(reason) ?? sayReason(code) ?? <Text value={[message, hint].filter(Boolean).join(" ")} />;
}
