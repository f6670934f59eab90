import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { delimiter } from 'node:path'
import { running, type Stoppable } from './running.js'

/** The kinds of brokers. */
export type BrokerKind = 'nats' | 'redis'

/** A broker that one subject uses. It runs on the core of the load. */
export interface Broker extends Stoppable {
  readonly url: string
  /** Returns the CPU time of all its threads so far, in microseconds; `undefined` if it is unknown. */
  cpu_us(): number | undefined
}

/** The functions used of the script that starts brokers, here and in tests. */
interface BrokerScript {
  readonly start_nats: () => Promise<ScriptBroker>
  readonly start_redis: () => Promise<ScriptBroker>
}

interface ScriptBroker {
  readonly url: string
  readonly pid: number
  close(): Promise<void>
}

const SCRIPT = new URL('../../../../packages/test-support/src/brokers.mjs', import.meta.url)

const COMMANDS: Readonly<Record<BrokerKind, string>> = { nats: 'nats-server', redis: 'redis-server' }

/** With the folders in which Debian installs servers, which are not on the PATH of every user. */
const PATH = [process.env.PATH ?? '', '/usr/sbin', '/usr/local/sbin'].join(delimiter)

/**
 * Returns the name and version of a broker, such as `nats-server 2.9.10`; `undefined` if it is not installed.
 */
export function broker_program(kind: BrokerKind): string | undefined {
  const command = COMMANDS[kind]
  const { status, stdout } = spawnSync(command, ['--version'], {
    encoding: 'utf8',
    env: { ...process.env, PATH },
  })
  return status === 0 ? `${command} ${/\d+\.\d+\.\d+/.exec(stdout)?.[0] ?? ''}`.trimEnd() : undefined
}

/** Returns the reason why a broker is missing, with the remedy. */
export function broker_is_missing(kind: BrokerKind): string {
  return `${COMMANDS[kind]} is not installed (Debian: apt-get install ${COMMANDS[kind]})`
}

/** Starts a broker on a free loopback port. */
export async function start_broker(kind: BrokerKind): Promise<Broker> {
  const script = (await import(SCRIPT.href)) as BrokerScript
  const started = await (kind === 'nats' ? script.start_nats() : script.start_redis())
  const { url, pid } = started
  const broker: Broker = {
    url,
    cpu_us: () => cpu_of_us(pid),
    stop: async () => {
      running.delete(broker)
      await started.close()
    },
  }
  running.add(broker)
  return broker
}

/**
 * Returns the CPU time of all threads of a process, in microseconds; `undefined` if the kernel does not
 * report it.
 */
export function cpu_of_us(pid: number): number | undefined {
  const tasks = `/proc/${pid}/task`
  if (!existsSync(`${tasks}/${pid}/schedstat`)) return undefined
  // The first number of `schedstat` is the run time of a thread in nanoseconds.
  const run_ns = readdirSync(tasks).map(task =>
    Number(readFileSync(`${tasks}/${task}/schedstat`, 'utf8').split(' ')[0]),
  )
  return run_ns.reduce((sum, ns) => sum + ns, 0) / 1000
}
