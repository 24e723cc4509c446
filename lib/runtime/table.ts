import { inOneLine } from './visible.ts'

/** Rows under a heading, each column as wide as its longest cell. */
export function table(heading: string[], rows: (string | number)[][]): string {
  const lines = [heading, ...rows.map(row => row.map(cell => inOneLine(String(cell))))]
  const widths = heading.map((_, column) => Math.max(...lines.map(line => line[column]?.length ?? 0)))
  return lines
    .map(line =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
