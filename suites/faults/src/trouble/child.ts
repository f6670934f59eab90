import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { Journal } from '@bt/test-support/journal'

/** A program of this folder, which runs in a process of its own. */
export interface Child<Command, Event> {
  readonly events: Journal<Event>
  send(command: Command): void
  signal(name: 'SIGSTOP' | 'SIGCONT'): void
}

/** Ends this process, and with it all that it has started. */
export function give_up(reason: string): never {
  console.error(`trouble: ${reason}`)
  process.exit(1)
}

/** Returns the path of a built file of this folder. */
export function file_of(name: string): string {
  return fileURLToPath(new URL(`./${name}.js`, import.meta.url))
}

/** Starts a program at one end of a link. It ends with this process, which gives up if it ends before. */
export function start_child<Command, Event>(
  end: readonly string[],
  name: string,
  args: readonly (string | number)[],
): Child<Command, Event> {
  const [command = '', ...rest] = [...end, process.execPath, file_of(name), ...args.map(String)]
  const child = spawn(command, rest, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const events = new Journal<Event>()
  child.on('message', event => events.add(event as Event))
  child.once('error', error => give_up(`${name} did not start: ${error.message}`))
  child.once('exit', (code, signal) => give_up(`${name} has exited with ${code ?? signal}`))
  process.once('exit', () => child.kill('SIGKILL'))
  return {
    events,
    send: message => void child.send(message as object),
    signal: name => void child.kill(name),
  }
}
