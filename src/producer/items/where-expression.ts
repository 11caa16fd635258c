import { constants, type DatabaseSync } from "node:sqlite";
import { InputError } from "#src/core/failures/errors.ts";

const PIECE = /'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|--[^\n]*|\/\*[\s\S]*?\*\/|\/\*|[\s\S]/g;
const ALLOWED_ACTIONS: readonly number[] = [constants.SQLITE_SELECT, constants.SQLITE_READ, constants.SQLITE_FUNCTION];

/**
 * Throws an InputError unless the text is one SQL expression over the view `results` that only reads. The connection must
 * be read-only as well.
 */
export function checkWhereExpression(database: DatabaseSync, where: string): void {
  const problem = findSyntaxProblem(where) ?? findSemanticProblem(database, where);
  if (problem === undefined) return;
  throw new InputError(`${problem}: expected one SQL expression over the columns of the view "results"`, "--where");
}

/** Inserted into a statement between parentheses, the text must not be able to end them, or to add parameters. */
function findSyntaxProblem(where: string): string | undefined {
  if (where.trim() === "") return "the expression is empty";
  if (where.includes("\0")) return "the expression contains a NUL character";
  let depth = 0;
  for (const [piece] of where.matchAll(PIECE)) {
    if (piece === "(") depth += 1;
    if (piece === ")") depth -= 1;
    if (depth < 0) return 'a ")" has no "("';
    if (piece === ";") return 'the expression contains ";"';
    if (["?", ":", "@", "$"].includes(piece)) return `parameters (${piece}) are not available`;
    if (["'", '"', "`", "["].includes(piece)) return `a ${piece} is not closed`;
    if (piece === "/*") return "a comment is not closed";
  }
  return depth > 0 ? 'a "(" is not closed' : undefined;
}

function findSemanticProblem(database: DatabaseSync, where: string): string | undefined {
  let isRefused = false;
  database.setAuthorizer((action, _name, functionName) => {
    if (ALLOWED_ACTIONS.includes(action) && functionName !== "load_extension") return constants.SQLITE_OK;
    isRefused = true;
    return constants.SQLITE_DENY;
  });
  try {
    database.prepare(`SELECT 1 FROM results WHERE (${where}\n)`);
    return undefined;
  } catch (error) {
    return isRefused ? "the expression does more than read" : error instanceof Error ? error.message : String(error);
  } finally {
    database.setAuthorizer(null);
  }
}
