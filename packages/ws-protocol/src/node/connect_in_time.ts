/**
 * Waits for a connection to a broker for so long. Who gives up has to see to it that nothing is left of what was begun. `also` is what else may be
 * wrong where it does not answer.
 */
export function connect_in_time<Connection>(
  timeout_ms: number,
  opening: Promise<Connection>,
  also = '',
): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const why = `it did not answer within ${timeout_ms} ms: check the address, and whether it is at work${also}`
    const timer = setTimeout(() => reject(new Error(why)), timeout_ms)
    opening.finally(() => clearTimeout(timer)).then(resolve, reject)
  })
}
