/** Types of the part of the package that is used here; it ships none. */
declare module "html-to-text" {
  export interface Selector {
    readonly selector: string;
    readonly format?: string;
    readonly options?: Readonly<Record<string, unknown>>;
  }
  export interface ConvertOptions {
    readonly wordwrap?: number | false;
    readonly limits?: { readonly maxInputLength?: number | undefined };
    readonly selectors?: readonly Selector[];
  }
  export function compile(options: ConvertOptions): (html: string) => string;
}
