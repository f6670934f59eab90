import { fileURLToPath } from 'node:url'
import type { CloseOptions } from '@bt/net'
import { now_us } from '../process/commands.js'
import type { Cores } from '../process/cores.js'
import { Program } from '../process/program.js'

/** A way in which a server ends. */
export interface Ending {
  readonly label: string
  /** What `close` gets; `undefined` for a server that is killed. */
  readonly close: CloseOptions | undefined
}

/** The name of an ending. */
export type EndingName = 'hint' | 'no_hint' | 'killed'

/** The endings that are compared. */
export const ENDINGS: Readonly<Record<EndingName, Ending>> = {
  hint: { label: 'closed with spread_ms: 10,000', close: { spread_ms: 10_000 } },
  no_hint: { label: 'closed with 1012, without spread_ms', close: { code: 1012 } },
  killed: { label: 'killed', close: undefined },
}

/** How a restart is measured. */
export interface RestartSettings {
  readonly clients: number
  /** How long after the first server begins to end the second one listens, in milliseconds. */
  readonly down_ms: number
}

/** What happened after the first server had begun to end. Times are in milliseconds since then. */
export interface Restart {
  /** When the second server listened. */
  readonly listening_ms: number
  /** When it opened each connection, in order. */
  readonly opened_ms: readonly number[]
  /** How many attempts to connect the clients made. */
  readonly attempts: number
}

/** How long the clients may take to come back. */
const BACK_MS = 120_000

/** Ends a server with connected clients, starts another on the same port, and waits until all are back. */
export async function measure_restart(
  { close }: Ending,
  { clients: count, down_ms }: RestartSettings,
  cores: Cores,
): Promise<Restart> {
  const first = start('server', cores.subject)
  // It is there before it is needed, so that the time in which a process starts does not count.
  const second = start('server', cores.subject)
  const clients = start('clients', cores.load)
  try {
    const port = await first.call<number>('listen', { port: 0 })
    await Promise.all([clients.call('connect', { port, count }), second.call('opened')])
    await clients.call('expect_restart')
    const ended_us = now_us()
    const since_ms = (at_us: number): number => (at_us - ended_us) / 1_000
    if (close !== undefined) await first.call('close', close)
    await first.stop()
    await new Promise(resolve => setTimeout(resolve, Math.max(0, down_ms - since_ms(now_us()))))
    await second.call('listen', { port })
    const listening_ms = since_ms(now_us())
    const attempts = await clients.call<number>('back', {}, BACK_MS)
    const opened_ms = (await second.call<number[]>('opened')).map(since_ms)
    return { listening_ms, opened_ms, attempts }
  } finally {
    await Promise.all([first, second, clients].map(program => program.stop()))
  }
}

function start(name: 'server' | 'clients', core: number | undefined): Program {
  const file = fileURLToPath(new URL(`../../dist/restarts/${name}.js`, import.meta.url))
  return new Program({ name, command: process.execPath, args: [file], core })
}
