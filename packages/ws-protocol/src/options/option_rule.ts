import { describe_value, NetError } from '../errors/errors.js'
import { shown_text } from '../errors/shown_text.js'

/** The check of one option, and its default. */
export interface OptionRule<Value> {
  /** The default value, if there is one. */
  readonly fallback?: Value | undefined
  /** Whether the option is required. */
  readonly is_required?: boolean
  /** Whether the value may also be a function, which the caller of the check calls. */
  readonly may_be_function?: boolean
  /** The expected values, as the end of the sentence "expected …". */
  readonly expects: string
  /** Whether a given value is valid. */
  accepts(value: unknown): boolean
  /** Copies an object, so that a later change by its owner has no effect. */
  copy?(value: Value): Value
  /**
   * Formats an invalid value, without anything that may be secret. If this is left out or returns
   * `undefined`, the value is shown briefly, such as `an array of 3`.
   */
  readonly shown?: (value: unknown) => string | undefined
}

/** A rule for an option that always has a value, because it has a default. */
export interface FilledOptionRule<Value> extends OptionRule<Value> {
  readonly fallback: Value
}

/** A rule for an option that always has a value, because it is required. */
export interface RequiredOptionRule<Value> extends OptionRule<Value> {
  readonly is_required: true
}

/** A rule for every option of a call; those in `Filled` always have a value once checked. */
export type OptionRules<Options, Filled extends keyof Options> = {
  readonly [Name in keyof Options]-?: Name extends Filled
    ?
        | FilledOptionRule<Exclude<Options[Name], undefined>>
        | RequiredOptionRule<Exclude<Options[Name], undefined>>
    : OptionRule<Exclude<Options[Name], undefined>>
}

/** Checked options, in which those in `Filled` always have a value. */
export type CheckedOptions<Options, Filled extends keyof Options> = Readonly<
  Options & { [Name in Filled]-?: Exclude<Options[Name], undefined> }
>

/**
 * Checks the options of a call against their rules, and fills in defaults. `hints` say what to write for
 * names of other libraries.
 *
 * @throws NetError `invalid_option`, naming the option, its value and what was expected; for an unknown
 * option, also the nearest known one
 */
export function check_options<Options extends object, Filled extends keyof Options>(
  call: string,
  given: unknown,
  rules: OptionRules<Options, Filled>,
  hints: Readonly<Record<string, string>> = {},
): CheckedOptions<Options, Filled> {
  return check_options_with((name, known) => hints[name] ?? nearest(name, known), call, given, rules)
}

/**
 * The same with a function that says what was probably meant by an unknown option. A page can do without the
 * one of {@link check_options}, to be smaller.
 */
export function check_options_with<Options extends object, Filled extends keyof Options>(
  suggest: (unknown: string, known: readonly string[]) => string,
  call: string,
  given: unknown,
  rules: OptionRules<Options, Filled>,
): CheckedOptions<Options, Filled> {
  if (typeof given !== 'object' || given === null)
    throw invalid(`${call} got ${describe_value(given)} for its options: give an object`)
  const unknown = Object.keys(given).find(name => !Object.hasOwn(rules, name))
  if (unknown !== undefined)
    throw invalid(
      `${call}: there is no option ${describe_value(unknown)}; ${suggest(unknown, Object.keys(rules))}`,
    )
  const checked: Record<string, unknown> = {}
  for (const [name, rule] of Object.entries<OptionRule<unknown>>(rules)) {
    const value = (given as Record<string, unknown>)[name]
    checked[name] =
      rule.may_be_function && typeof value === 'function' ? value : check_option(call, name, rule, value)
  }
  return checked as CheckedOptions<Options, Filled>
}

/**
 * Checks the value of one option, and returns it, copied if its rule says so; or the default.
 *
 * @throws NetError `invalid_option`, naming the option, its value and what was expected
 */
export function check_option<Value>(
  call: string,
  name: string,
  rule: OptionRule<Value>,
  given: unknown,
): Value | undefined {
  const value = given === undefined ? rule.fallback : given
  if (value === undefined ? rule.is_required : !is_accepted(rule, value)) {
    const or_function = rule.may_be_function ? ', or a function' : ''
    throw invalid(
      `${call}: the option ${name} is ${describe(rule, value)}; expected ${rule.expects}${or_function}`,
    )
  }
  return value === undefined || rule.copy === undefined ? (value as Value) : rule.copy(value as Value)
}

function describe({ shown }: OptionRule<unknown>, value: unknown): string {
  if (value === undefined) return 'missing'
  try {
    return shown?.(value) ?? describe_value(value)
  } catch {
    // Reading the value threw, so only its kind is shown.
    return describe_value(value)
  }
}

/** Formats only the type of a secret value, such as `of type string`. */
export function describe_type(value: unknown): string {
  return `of type ${typeof value}`
}

/**
 * Formats a value that should have been an object or a list containing secrets. A string in its place may be
 * such a secret, and is not shown.
 */
export function describe_secret(value: unknown): string {
  return typeof value === 'string' ? 'text' : describe_value(value)
}

/**
 * Formats the content of an object without secrets, such as `{ min_delay: 5 }`; `undefined` for anything
 * else.
 */
export function describe_parts(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const parts = Object.entries(value).map(([name, part]) => `${name}: ${describe_value(part)}`)
  return shown_text(`{ ${parts.join(', ')} }`)
}

/**
 * Returns whether a rule accepts a value. A value that throws when it is read is invalid; a `NetError` comes
 * from the rule, and says why.
 */
function is_accepted(rule: OptionRule<unknown>, value: unknown): boolean {
  try {
    return rule.accepts(value)
  } catch (error) {
    if (error instanceof NetError) throw error
    return false
  }
}

function invalid(message: string): NetError {
  return new NetError('invalid_option', message)
}

/**
 * Suggests the option that was probably meant: the one that shares the most pairs of letters, in proportion
 * to the longer name.
 */
function nearest(name: string, known: readonly string[]): string {
  const likeness = (other: string): number =>
    Math.min(pairs_in(name, other), pairs_in(other, name)) / (Math.max(name.length, other.length) - 1)
  const [best = ''] = [...known].sort((a, b) => likeness(b) - likeness(a))
  return likeness(best) >= 0.5 ? `did you mean ${best}?` : list_known(name, known)
}

/** Lists the known options. */
export function list_known(_unknown: string, known: readonly string[]): string {
  return `known are ${known.join(', ')}`
}

function pairs_in(name: string, other: string): number {
  return [...name].filter((_, i) => other.includes(name.slice(i, i + 2).padEnd(2))).length
}
