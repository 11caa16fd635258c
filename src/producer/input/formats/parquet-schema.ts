import type { FileMetaData, SchemaElement, SchemaTree } from "hyparquet";

/** What is read of a file. */
export interface ParquetSelection {
  /** The metadata of the file without the columns that are left out, with types that keep all digits. */
  readonly metadata: FileMetaData;
  /** Types of the columns that are read. */
  readonly columns: readonly SchemaTree[];
  /** Paths of columns that contain bytes ("image.bytes"), which are left out. */
  readonly omitted: readonly string[];
}

/** Counts the lists that contain the values of a leaf, which is the maximum of its repetition levels. */
export function countRepetitions(columns: readonly SchemaTree[], path: readonly string[]): number {
  const [name, ...rest] = path;
  const column = columns.find(({ element }) => element.name === name);
  if (column === undefined) return 0;
  return (column.element.repetition_type === "REPEATED" ? 1 : 0) + countRepetitions(column.children, rest);
}

/**
 * Selects the columns to read: those that `isWanted` returns true for, without bytes. Bytes are neither text nor values
 * of JSON; only the columns in `textColumns` are read as UTF-8 when the file does not state what their bytes are. A
 * struct keeps its other fields: of {bytes, path}, the layout of images in common data sets, the path remains.
 */
export function selectColumns(
  metadata: FileMetaData,
  root: SchemaTree,
  { isWanted, textColumns }: { readonly isWanted: (name: string) => boolean; readonly textColumns: readonly string[] },
): ParquetSelection {
  const omitted: string[] = [];
  const leaves = new Set<string>();
  const columns = root.children.filter(({ element }) => isWanted(element.name));
  const kept = columns.map((column) => ({ column, elements: keep(column) }));
  const schema = kept.flatMap(({ elements }) => elements);
  const selected = kept.flatMap(({ column, elements }) => (elements.length > 0 ? [column] : []));
  return {
    omitted,
    columns: selected,
    metadata: {
      ...metadata,
      schema: [{ ...root.element, num_children: selected.length }, ...schema],
      row_groups: metadata.row_groups.map((group) => ({
        ...group,
        columns: group.columns.filter(({ meta_data: column }) => leaves.has(toKey(column?.path_in_schema ?? []))),
      })),
    },
  };

  /** Returns the elements of a column and its fields, depth first; none if it is left out. */
  function keep({ element, children, path }: SchemaTree): SchemaElement[] {
    if (children.length === 0) {
      if (hasBytes(element) && !(path.length === 1 && textColumns.includes(element.name))) {
        omitted.push(path.join("."));
        return [];
      }
      leaves.add(toKey(path));
      return [toExactElement(element)];
    }
    const isEntry = isMapEntry(element, children);
    // The library needs the keys of a map at once; see the parser of this type.
    const fields = children.map((child, at) => {
      const [first, ...rest] = keep(child);
      if (first === undefined) return [];
      return isEntry && at === 0 && first.converted_type === "UTF8"
        ? [{ ...first, converted_type: "JSON" as const }]
        : [first, ...rest];
    });
    const remaining = fields.filter((elements) => elements.length > 0).length;
    // A map needs its keys and its values.
    if (remaining === 0 || (isEntry && remaining < fields.length)) {
      for (const leaf of listLeaves(children)) leaves.delete(toKey(leaf));
      return [];
    }
    return [{ ...element, num_children: remaining }, ...fields.flat()];
  }
}

function toKey(path: readonly string[]): string {
  return JSON.stringify(path);
}

function isMapEntry({ repetition_type }: SchemaElement, children: readonly SchemaTree[]): boolean {
  return repetition_type === "REPEATED" && children.length === 2 && children[0]?.element.name === "key";
}

function listLeaves(nodes: readonly SchemaTree[]): string[][] {
  return nodes.flatMap(({ children, path }) => (children.length === 0 ? [path] : listLeaves(children)));
}

const TEXT_TYPES = ["UTF8", "STRING", "ENUM", "JSON"];

function hasBytes(element: SchemaElement): boolean {
  const types = [element.converted_type, element.logical_type?.type].filter((type) => type !== undefined);
  if (isDecimal(element) || isInterval(element)) return false;
  if (element.type === "BYTE_ARRAY") return !types.some((type) => TEXT_TYPES.includes(type));
  return element.type === "FIXED_LEN_BYTE_ARRAY" && !types.some((type) => type === "UUID" || type === "FLOAT16");
}

/** Removes a type whose values the library would round or refuse. All text is left to `toJsonRecord`. */
function toExactElement(element: SchemaElement): SchemaElement {
  const { converted_type: _, logical_type: __, ...untyped } = element;
  if (isDecimal(element) || isInterval(element)) return untyped;
  if (element.type !== "BYTE_ARRAY") return element;
  return { ...untyped, converted_type: "UTF8" };
}

export function isDecimal({ converted_type, logical_type }: SchemaElement): boolean {
  return converted_type === "DECIMAL" || logical_type?.type === "DECIMAL";
}

export function isJson({ converted_type, logical_type }: SchemaElement): boolean {
  return converted_type === "JSON" || logical_type?.type === "JSON";
}

export function isInterval({ converted_type, logical_type }: SchemaElement): boolean {
  return converted_type === "INTERVAL" || logical_type?.type === "INTERVAL";
}
