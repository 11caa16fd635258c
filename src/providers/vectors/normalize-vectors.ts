/** Scales every row of `columns` values to length 1, in place. Vectors that a vendor shortens are not normalized any more. */
export function normalizeVectors(values: Float32Array, columns: number): void {
  for (let start = 0; start < values.length; start += columns) {
    const row = values.subarray(start, start + columns);
    const length = Math.sqrt(row.reduce((sum, value) => sum + value * value, 0));
    if (length > 0) for (let index = 0; index < columns; index++) row[index] = (row[index] ?? 0) / length;
  }
}
