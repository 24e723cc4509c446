/** The order of two texts by their characters' codes, whatever the locale; for sort functions. */
export const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
