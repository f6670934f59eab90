/** An error of Node about a socket or an address. */
export interface SystemError extends Error {
  /** Node's code, such as `ECONNREFUSED`. */
  readonly code?: string
  /** One error for each address, if a host has several and none could be reached. */
  readonly errors?: readonly SystemError[]
}

const TIMED_OUT = /^(ETIMEDOUT|ERR_SOCKET_CONNECTION_TIMEOUT)$/
const REFUSED = /^ECONNREFUSED$/

/**
 * Returns the error that best explains why a host could not be reached. If several of its addresses failed in
 * different ways, a timeout comes first, since a server may still be at that address; then a refusal, which
 * shows that the host is up and its server is not.
 */
export function decisive_error(error: SystemError): SystemError {
  const all = errors_of(error)
  const with_code = (pattern: RegExp): SystemError | undefined =>
    all.find(({ code = '' }) => pattern.test(code))
  return with_code(TIMED_OUT) ?? with_code(REFUSED) ?? all[0] ?? error
}

/**
 * Returns the message of an error; for several addresses, the messages of all, since Node leaves the message
 * of their common error empty.
 */
export function error_text(error: SystemError): string {
  const texts = errors_of(error).map(({ message, code, name }) => message || code || name)
  return [...new Set(texts)].join('; ')
}

function errors_of(error: SystemError): SystemError[] {
  return error.errors?.length ? error.errors.flatMap(errors_of) : [error]
}
