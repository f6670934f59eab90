import { parseArgs } from 'node:util'

/** How the soak is started. */
export const USAGE = 'pnpm soak [--minutes 10] [--clients 1000] [--seed NUMBER]'

/** What a timer takes. */
const MOST_MINUTES = 35_791

/** What the command line asks for. */
export interface SoakArguments {
  readonly minutes: number
  /** How many there are at a time. */
  readonly clients: number
  readonly seed: number
}

/**
 * Reads the command line.
 *
 * @throws Error that says what is wrong with it
 */
export function read_arguments(args: readonly string[]): SoakArguments {
  const { values } = parseArgs({
    // pnpm hands `--` on.
    args: args.filter(word => word !== '--'),
    options: {
      minutes: { type: 'string', default: '10' },
      clients: { type: 'string', default: '1000' },
      seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
    },
  })
  const { minutes, clients, seed } = values
  if (!(Number(minutes) > 0 && Number(minutes) <= MOST_MINUTES))
    throw unexpected('minutes', minutes, `a number above 0, and at most ${MOST_MINUTES}`)
  if (!/^[1-9]\d*$/.test(clients)) throw unexpected('clients', clients, 'a whole number from 1 on')
  if (!/^\d+$/.test(seed)) throw unexpected('seed', seed, 'a whole number from 0 on')
  return { minutes: Number(minutes), clients: Number(clients), seed: Number(seed) }
}

function unexpected(name: string, given: string, expected: string): Error {
  return new Error(`--${name} is "${given}"; expected ${expected}`)
}
