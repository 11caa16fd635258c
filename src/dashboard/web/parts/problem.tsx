import { ServerError } from "../server/ask-server.ts";
import { words } from "../words/words.ts";
import { Text } from "./text.tsx";

/** Why something could not be had, in the reader's language, and below it the server's own sentence and hint. */
export function Problem({ error }: { error: unknown }) {
  const known = error instanceof ServerError ? words.value.errors[error.code] : undefined;
  return (
    <div class="note bad" role="alert">
      <p>{known ?? words.value.errors.internal}</p>
      {error instanceof ServerError && error.code !== "unreachable" ? (
        <p class="small">
          <Text value={error.message} />
          {error.hint ? (
            <>
              {" "}
              <Text value={error.hint} />
            </>
          ) : null}
        </p>
      ) : null}
    </div>
  );
}
