/** Waits for a connection to a broker for so long; where it takes longer, `give_up` sees to it that nothing of it is left. */
export function connect_in_time<Connection>(
  timeout_ms: number,
  opening: Promise<Connection>,
  give_up: () => void,
): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(
        new Error(`it did not answer within ${timeout_ms} ms: check the address, and whether it is at work`),
      )
      give_up()
    }, timeout_ms)
    opening.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
