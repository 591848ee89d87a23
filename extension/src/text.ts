/** How numbers and texts are written for people. */

/** A download's size, in the decimal units that disks and networks are sold in. */
export function bytes(size: number): string {
  const [value, unit] = size >= 1e9 ? [size / 1e9, "GB"] : [size / 1e6, "MB"];
  return `${value >= 10 ? Math.round(value) : value.toFixed(1)} ${unit}`;
}

/** The first sentence of a text. */
export function first(text: string): string {
  return /^.*?[.](?= [A-Z])/.exec(text)?.[0] ?? text;
}
