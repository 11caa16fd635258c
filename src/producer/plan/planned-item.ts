/** An item as its source describes it; the plan gives it an index. */
export interface PlannedItem {
  readonly id: string;
  readonly text: string;
  readonly tokens: number;
  /** Line of the source file that the item comes from, for messages; absent for chunks of documents. */
  readonly line?: number;
  readonly metadata?: Readonly<Record<string, unknown>>;
}
