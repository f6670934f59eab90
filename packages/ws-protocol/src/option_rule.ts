import { describe_value, NetError } from './errors.js'

/** How one option is checked, and what it is when it is not given. */
export interface OptionRule<Value> {
  /** What the option is when it is not given; `undefined` where there is nothing to fall back on. */
  readonly fallback: Value | undefined
  /** Whether it has to be given. */
  readonly is_required?: boolean
  /** What is expected, as the end of the sentence "expected …". */
  readonly expects: string
  /** Whether a value that was given will do. */
  accepts(value: unknown): boolean
}

/** A rule whose option always has a value: there is something to fall back on. */
export interface FilledOptionRule<Value> extends OptionRule<Value> {
  readonly fallback: Value
}

/** A rule whose option always has a value: it has to be given. */
export interface RequiredOptionRule<Value> extends OptionRule<Value> {
  readonly is_required: true
}

/** A rule for every option of a call; those named in `Filled` always have a value once checked. */
export type OptionRules<Options, Filled extends keyof Options> = {
  readonly [Name in keyof Options]-?: Name extends Filled
    ?
        | FilledOptionRule<Exclude<Options[Name], undefined>>
        | RequiredOptionRule<Exclude<Options[Name], undefined>>
    : OptionRule<Exclude<Options[Name], undefined>>
}

/** Options as a call goes on with them: checked, and those in `Filled` are there. */
export type CheckedOptions<Options, Filled extends keyof Options> = Readonly<
  Options & { [Name in Filled]-?: Exclude<Options[Name], undefined> }
>

/**
 * Checks the options of a call against their rules, and fills in what was not given.
 *
 * @throws NetError `invalid_option`, naming the option, the value got and what was expected; an unknown option names the nearest known one
 */
export function check_options<Options extends object, Filled extends keyof Options>(
  call: string,
  given: unknown,
  rules: OptionRules<Options, Filled>,
): CheckedOptions<Options, Filled> {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new NetError(
      'invalid_option',
      `${call} got ${describe_value(given)} for its options: give an object`,
    )
  }
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(rules, name)) throw unknown_option(call, name, Object.keys(rules))
  }
  const checked: Record<string, unknown> = {}
  for (const [name, rule] of Object.entries<OptionRule<unknown>>(rules)) {
    const value = (given as Record<string, unknown>)[name]
    if (value === undefined && !rule.is_required) checked[name] = rule.fallback
    else if (value !== undefined && rule.accepts(value)) checked[name] = value
    else throw wrong_option(call, name, value, rule)
  }
  return checked as CheckedOptions<Options, Filled>
}

function wrong_option(call: string, name: string, value: unknown, rule: OptionRule<unknown>): NetError {
  const got = value === undefined ? 'is missing' : `is ${describe_value(value)}`
  return new NetError('invalid_option', `${call}: the option ${name} ${got}; expected ${rule.expects}`)
}

function unknown_option(call: string, name: string, known: readonly string[]): NetError {
  const [nearest] = known
    .map(other => ({ other, distance: edit_distance(name, other) }))
    .sort((a, b) => a.distance - b.distance)
  const hint =
    nearest !== undefined && nearest.distance <= Math.max(2, name.length / 3)
      ? `did you mean ${nearest.other}?`
      : `known are ${known.join(', ')}`
  return new NetError('invalid_option', `${call}: there is no option ${describe_value(name)}; ${hint}`)
}

/** How many letters have to be added, taken out or changed to come from one word to the other. */
function edit_distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (const [index, letter] of [...from].entries()) {
    const next = [index + 1]
    for (let column = 1; column <= to.length; column += 1) {
      const changed = (row[column - 1] as number) + (to[column - 1] === letter ? 0 : 1)
      next.push(Math.min(changed, (row[column] as number) + 1, (next[column - 1] as number) + 1))
    }
    row = next
  }
  return row[to.length] as number
}
