import { MAX_RATE } from '../shared/control.js'

const STEPS = [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8]

/**
 * The rates of the slider, in messages per second: round numbers, about evenly spaced on a logarithmic scale.
 */
export const RATE_STOPS: readonly number[] = rate_stops()

/** Returns the position of the slider that is nearest to a rate. */
export function position_of(rate: number): number {
  const distances = RATE_STOPS.map(stop => Math.abs(Math.log(stop / rate)))
  return distances.indexOf(Math.min(...distances))
}

/** Returns the rate at a position of the slider. */
export function rate_at(position: number): number {
  return RATE_STOPS[position] ?? MAX_RATE
}

function rate_stops(): number[] {
  const stops: number[] = []
  for (let decade = 1; decade <= MAX_RATE; decade *= 10)
    for (const step of STEPS) {
      const rate = step * decade
      if (Number.isInteger(rate) && rate <= MAX_RATE) stops.push(rate)
    }
  return stops
}
