/** A term that can be evaluated when the values of its variables are known. */
export type Expression = (variables: (name: string) => number) => number;

const TOKEN =
  /\s*(?:(\d+(?:\.\d+)?(?:e[-+]?\d+)?|\.\d+)|(arcsin|arccos|arctan|sinh|cosh|tanh|sin|cos|tan|cot|sec|csc|log|ln|exp|sqrt|root|√|[A-Za-zα-ωΑ-Ωπ∞])|(\*\*|[-+*/^×·÷()[\]{}!|%°]))/y;
const FUNCTIONS: Readonly<Record<string, (x: number) => number>> = {
  ...{ sin: Math.sin, cos: Math.cos, tan: Math.tan, arcsin: Math.asin, arccos: Math.acos, arctan: Math.atan },
  ...{
    sinh: Math.sinh,
    cosh: Math.cosh,
    tanh: Math.tanh,
    ln: Math.log,
    exp: Math.exp,
    sqrt: Math.sqrt,
    "√": Math.sqrt,
  },
  log: Math.log10,
  cot: (x) => 1 / Math.tan(x),
  sec: (x) => 1 / Math.cos(x),
  csc: (x) => 1 / Math.sin(x),
};
const CONSTANTS: Readonly<Record<string, number>> = { π: Math.PI, e: Math.E, "∞": Number.POSITIVE_INFINITY };
const CLOSING: Readonly<Record<string, string>> = { "(": ")", "[": "]", "{": "}" };
const MAX_TOKENS = 500;

/** Parses arithmetic with variables of one letter, implicit multiplication, and common functions; undefined for anything else. */
export function parseExpression(text: string): Expression | undefined {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  const trimmed = text.trim();
  while (TOKEN.lastIndex < trimmed.length) {
    const match = TOKEN.exec(trimmed);
    if (!match || tokens.length >= MAX_TOKENS) return undefined;
    tokens.push(match[1] ?? match[2] ?? match[3] ?? "");
  }
  const parser = new Parser(tokens);
  const expression = parser.sum();
  return parser.isAtEnd ? expression : undefined;
}

/** Recursive descent; a method returns undefined for a syntax error. */
class Parser {
  readonly #tokens: readonly string[];
  #at = 0;

  constructor(tokens: readonly string[]) {
    this.#tokens = tokens;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#tokens.length && this.#at > 0;
  }

  sum(): Expression | undefined {
    let total = this.#product();
    while (total && (this.#peek === "+" || this.#peek === "-")) {
      const [left, isMinus] = [total, this.#next() === "-"];
      const right = this.#product();
      total = right && ((at) => (isMinus ? left(at) - right(at) : left(at) + right(at)));
    }
    return total;
  }

  #product(): Expression | undefined {
    let total = this.#signed();
    for (;;) {
      if (total === undefined) return undefined;
      const left = total;
      if (this.#peek === "/" || this.#peek === "÷") {
        this.#next();
        const right = this.#signed();
        total = right && ((at) => left(at) / right(at));
      } else if (["*", "×", "·"].includes(this.#peek)) {
        this.#next();
        const right = this.#signed();
        total = right && ((at) => left(at) * right(at));
      } else if (/^(?:[\dA-Za-zα-ωΑ-Ωπ∞√.([{])/.test(this.#peek)) {
        const right = this.#power();
        total = right && ((at) => left(at) * right(at));
      } else return total;
    }
  }

  #signed(): Expression | undefined {
    if (this.#peek !== "-" && this.#peek !== "+") return this.#power();
    const isMinus = this.#next() === "-";
    const value = this.#signed();
    return value && (isMinus ? (at) => -value(at) : value);
  }

  #power(): Expression | undefined {
    let base = this.#atom();
    while (base && ["!", "%", "°"].includes(this.#peek)) {
      const [inner, mark] = [base, this.#next()];
      if (mark === "%") base = (at) => inner(at) / 100;
      if (mark === "!") base = (at) => factorial(inner(at));
    }
    if (base === undefined || (this.#peek !== "^" && this.#peek !== "**")) return base;
    this.#next();
    const [value, exponent] = [base, this.#signed()];
    return exponent && ((at) => value(at) ** exponent(at));
  }

  #atom(): Expression | undefined {
    const token = this.#next();
    if (/^[\d.]/.test(token)) return () => Number(token);
    const closing = CLOSING[token];
    if (closing !== undefined || token === "|") {
      const inner = this.sum();
      if (this.#next() !== (closing ?? "|")) return undefined;
      return inner && (token === "|" ? (at) => Math.abs(inner(at)) : inner);
    }
    if (token === "root") return this.#root();
    const apply = FUNCTIONS[token];
    if (apply) {
      const argument = this.#peek === "-" ? this.#signed() : this.#power();
      return argument && ((at) => apply(argument(at)));
    }
    const constant = CONSTANTS[token];
    if (constant !== undefined) return () => constant;
    return /^[A-Za-zα-ωΑ-Ω]$/.test(token) ? (at) => at(token) : undefined;
  }

  /** "root(3)(8)" */
  #root(): Expression | undefined {
    const [degree, value] = [this.#atom(), this.#atom()];
    return degree && value && ((at) => value(at) ** (1 / degree(at)));
  }

  get #peek(): string {
    return this.#tokens[this.#at] ?? "";
  }

  #next(): string {
    const token = this.#peek;
    this.#at += 1;
    return token;
  }
}

function factorial(n: number): number {
  if (!Number.isInteger(n) || n < 0 || n > 170) return Number.NaN;
  let product = 1;
  for (let i = 2; i <= n; i += 1) product *= i;
  return product;
}
