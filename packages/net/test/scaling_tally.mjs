// Loaded before a program of docs/scaling.md. It writes down the beginning of every message that a server hands on, or takes from `send`, and
// says when one is taken that is the last of its kind, and what is queued then.
import cluster from 'node:cluster'
import { subscribe } from 'node:diagnostics_channel'
import { openSync, writeSync } from 'node:fs'

const { TALLY, FAILING_FORK } = process.env

if (TALLY !== undefined) {
  const file = openSync(TALLY, 'a')
  subscribe('bt.net.message', ({ direction, data, handle }) => {
    const beginning = data.slice(0, 40)
    writeSync(file, `${direction} ${beginning}\n`)
    if (direction === 'sent' && beginning.includes(' last '))
      console.log(`taken: ${beginning}; queued: ${handle.queued}`)
  })
}

// The fork of that number fails once, as where there is no memory for it.
if (FAILING_FORK !== undefined) {
  const { fork } = cluster
  let forks = 0
  cluster.fork = (...values) => {
    forks += 1
    if (String(forks) === FAILING_FORK) throw new Error('spawn ENOMEM')
    return fork(...values)
  }
}
