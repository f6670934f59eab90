import type { Spread } from '../statistics.js'

/** Shown where nothing was measured. */
export const NOTHING = '–'

/** A figure with three digits that count. */
export function shown(value: number): string {
  const size = Math.abs(value)
  if (size >= 100) return Math.round(value).toLocaleString('en')
  return value.toFixed(size >= 10 ? 1 : size >= 1 ? 2 : 3)
}

/** How many times as much, with as many digits as are needed to tell it from 1. */
export function shown_ratio(ratio: number): string {
  return ratio.toFixed(Math.abs(ratio) < 0.1 ? 3 : 2)
}

/** A ratio with its spread: `0.22 (0.20–0.25)`. */
export function shown_spread({ median, least, most }: Spread): string {
  return `${shown_ratio(median)} (${shown_ratio(least)}–${shown_ratio(most)})`
}
