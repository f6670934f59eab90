import { parseArgs } from 'node:util'

const USAGE = 'pnpm soak [--minutes 10] [--clients 1000] [--seed NUMBER]'

/** The longest delay of a timer, 2^31 - 1 ms. */
const MAX_MINUTES = 35_791

/** The options of the command line. */
export interface SoakArguments {
  readonly minutes: number
  /** How many clients are connected at a time. */
  readonly clients: number
  readonly seed: number
}

/** Parses the command line; exits with its synopsis if an option is invalid. */
export function arguments_or_exit(): SoakArguments {
  try {
    return parse(process.argv.slice(2))
  } catch (error) {
    console.error(`soak: ${(error as Error).message}\n\n${USAGE}`)
    process.exit(1)
  }
}

/**
 * Parses the command line.
 *
 * @throws Error that names the invalid option
 */
function parse(args: readonly string[]): SoakArguments {
  const { values } = parseArgs({
    // pnpm passes `--` on.
    args: args.filter(word => word !== '--'),
    options: {
      minutes: { type: 'string', default: '10' },
      clients: { type: 'string', default: '1000' },
      seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
    },
  })
  const { minutes, clients, seed } = values
  if (!(Number(minutes) > 0 && Number(minutes) <= MAX_MINUTES))
    throw invalid('minutes', minutes, `a number above 0, and at most ${MAX_MINUTES}`)
  if (!/^[1-9]\d*$/.test(clients)) throw invalid('clients', clients, 'a whole number from 1 on')
  if (!/^\d+$/.test(seed)) throw invalid('seed', seed, 'a whole number from 0 on')
  return { minutes: Number(minutes), clients: Number(clients), seed: Number(seed) }
}

function invalid(name: string, value: string, expected: string): Error {
  return new Error(`--${name} is "${value}"; expected ${expected}`)
}
