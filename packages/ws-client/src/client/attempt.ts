import { NetError } from '@bt/ws-protocol'
import { check_option, describe_cause } from '@bt/ws-protocol/internal'
import type { AttemptOptions, ComputedOption, ComputedRules } from './attempt_options.js'
import type { ConnectAttempt, ConnectSettings } from './options.js'

/** The options that may be functions, in the order in which they are called. */
const COMPUTED: readonly ComputedOption[] = ['url', 'protocols', 'headers', 'tls']

/** Whether no option has to be computed before each attempt. */
export function is_constant(settings: ConnectSettings): settings is ConnectSettings & AttemptOptions {
  return !COMPUTED.some(name => typeof settings[name] === 'function')
}

/**
 * Calls the functions among the options, one after another, and checks what they return. Rejects with
 * `option_failed` if one throws, rejects, or returns an invalid value. Calls no more of them once the attempt is
 * over.
 */
export async function compute_options(
  settings: ConnectSettings,
  rules: ComputedRules,
  attempt: ConnectAttempt,
): Promise<AttemptOptions> {
  // A function may mention what `connect` returns, so none is called before that.
  await Promise.resolve()
  const computed: { [Name in ComputedOption]?: unknown } = { ...settings }
  for (const name of COMPUTED) {
    if (attempt.signal.aborted) break
    const given = settings[name]
    try {
      if (typeof given === 'function')
        computed[name] = check_option('connect', name, rules[name], await given(attempt))
    } catch (cause) {
      const message = `connect: the function given for ${name} failed: ${describe_cause(cause)}`
      throw new NetError('option_failed', message, { cause })
    }
  }
  return computed as AttemptOptions
}
