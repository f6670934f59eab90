import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { redact_values } from '@bt/demo-support/argument_error'
import { broker_url } from '@bt/demo-support/cluster_of'
import { NetError } from '@bt/net'
import { Command, InvalidArgumentError, Option } from 'commander'
import { type ConnectArguments, run_connect } from './client/connect.js'
import { type CountArguments, run_count } from './client/count.js'
import { type DemoArguments, run_demo } from './demo.js'
import { add_header, add_protocol } from './handshake_arguments.js'
import { run_serve, type ServeArguments, STOPPING } from './server/serve.js'
import { visible } from './shared/message_text.js'
import { say_error } from './shared/print.js'

const DEFAULT_BIND = '127.0.0.1:8081'
const DEFAULT_ROUTE = '/ws'
const DEFAULT_WAIT_MS = 300
const DEFAULT_NUMBERS = 1_000
const MAX_NUMBERS = 1_000_000
/** A shorter interval would cut the connection before it is open again. */
const MIN_CUT_SECONDS = 0.5
/** The longest time for which a server may ask its clients to wait. */
const MAX_SECONDS = 3_600
const MAX_WORKERS = 1_024

const { version } = createRequire(import.meta.url)('@bt/net/package.json') as { version: string }

/**
 * Runs the program with its command-line arguments, or the command `demo` without any. Resolves to the exit
 * code. After help, the version, or an error in the arguments, the process exits at once.
 */
export async function run_command_line(args: readonly string[]): Promise<number> {
  let exit_code = 0
  const program = echo_demo(reported => {
    exit_code = reported
  })
  try {
    await program.parseAsync(args.length === 0 ? ['demo'] : args, { from: 'user' })
  } catch (error) {
    if (!(error instanceof NetError)) throw error
    say_error(error)
    return 1
  }
  return exit_code
}

/** Declares the commands with their options and help. A command passes its exit code to `report`. */
function echo_demo(report: (exit_code: number) => void): Command {
  const program = new Command('echo-demo')
    .description(
      'An echo server and a client for it, built with @bt/net. Without arguments, it runs the command demo.',
    )
    .version(version, '-V, --version', 'print the version of @bt/net')
    .configureOutput({ outputError: (message, write) => write(redact_values(message, visible)) })

  program
    .command('demo')
    .description('start the server, run a sample client, and keep serving')
    .option('--bind <host:port>', 'the address to listen on; port 0 selects a free one', DEFAULT_BIND)
    .option('--page <url>', 'the URL of a page that runs beside it, for the hints on what to try next')
    .action(async (given: Omit<DemoArguments, 'route'>) =>
      report(await run_demo({ ...given, route: DEFAULT_ROUTE })),
    )

  program
    .command('serve')
    .description('start only the server: it greets clients, and echoes their messages')
    .option('--bind <host:port>', 'the address to listen on; port 0 selects a free one', DEFAULT_BIND)
    .option('--route <path>', 'the path of the WebSocket', DEFAULT_ROUTE)
    .option('--binary', 'accept binary messages too, and answer them in kind')
    .option('--tls-cert <file>', 'serve over TLS (wss:), with this certificate in PEM', read_file)
    .option('--tls-key <file>', 'the key of that certificate', read_file)
    .option(
      '--origin <origin>',
      'accept only pages of this origin, such as https://example.com; may be repeated, and * accepts all (default: pages of the same host, and of this machine)',
      append,
    )
    .addOption(
      seconds_option(
        '--drain <seconds>',
        'when it stops: how long it may still answer pending messages',
        STOPPING.drain_ms,
      ),
    )
    .addOption(
      seconds_option(
        '--spread <seconds>',
        'when it stops: ask the clients to reconnect, spread over this time',
        STOPPING.spread_ms,
      ),
    )
    .option(
      '--workers <count>',
      'serve with this number of processes; SIGHUP replaces them, one after the other',
      whole_count,
    )
    .option(
      '--cluster <url>',
      'join all servers and workers that use the same broker: nats://host:port or redis://host:port',
      broker_url,
    )
    .addHelpText(
      'after',
      `
A client that connects with --topic NAME joins that topic: its messages are also
sent to the other clients in the topic. With --workers, these have to be connected
to the same worker. With --cluster, they may be connected to any worker, and to any
other server of the same broker. If the broker is down, each worker serves its own
clients until the broker is back.

Ctrl-C or SIGTERM stops it in order: it accepts no new clients, answers pending
messages, and closes with 1001, or with 1012 if --spread is set. The second Ctrl-C
ends it at once.`,
    )
    .action(async (given: ServeArguments) => report(await run_serve(given)))

  program
    .command('connect')
    .description('connect to a server: type lines, or pipe them in')
    .argument('[url]', 'the URL of the server', `ws://${DEFAULT_BIND}${DEFAULT_ROUTE}`)
    .option('--binary', 'send lines as binary messages, and accept binary messages too')
    .option(
      '--ca <file>',
      "for wss: the certificate authority of the server's certificate, in PEM",
      read_file,
    )
    .option(
      '--topic <name>',
      'with a server of this program: join this topic, to exchange messages with the others in it',
    )
    .option(
      '--header <name:value>',
      "send this header with the opening handshake, such as 'Authorization: Bearer …'; may be repeated",
      add_header,
    )
    .option(
      '--protocol <name>',
      'offer this subprotocol; may be repeated, in the order of preference',
      add_protocol,
    )
    .option('--reconnect', 'keep reconnecting when the connection is lost or fails to open')
    .option('--session', 'have a session: after reconnecting, nothing is lost, and nothing comes twice')
    .option('--wait <ms>', 'with a pipe: how long to wait for another message', whole_ms, DEFAULT_WAIT_MS)
    .addHelpText(
      'after',
      `
In a terminal, each line you type is a message; an empty one sends nothing.
The arrow keys bring back earlier lines. /quit or Ctrl-D closes.

From a pipe, each line is a message, and each received message is a line on
stdout; status goes to stderr. After the end of the input it waits until all is
sent and no message has come for --wait milliseconds, then closes.

With --reconnect, lines that you type without a connection are sent when it is
open again; status shows the next attempt. It ends by itself only if the server
closes for good.

With --session, it reconnects as well, and goes on where it was: messages that the
connection has lost are sent again, in both directions. The server needs sessions,
which the server of this program has.

With --protocol, status shows the subprotocol that the server has chosen. If the
server supports none of them, the connection fails; the server of this program
supports none.

Exit code: 0 if this side closed, the server confirmed it and nothing was lost,
else 1.`,
    )
    .action(async (url: string, given: Omit<ConnectArguments, 'url'>) =>
      report(await run_connect({ ...given, url })),
    )

  program
    .command('count')
    .description('send numbers to a server of this program, and count those that come back')
    .argument('[url]', 'the URL of the server', `ws://${DEFAULT_BIND}${DEFAULT_ROUTE}`)
    .option('--session', 'have a session: nothing is lost when the connection is, and nothing comes twice')
    .option('--cut <seconds>', 'cut the connection at this interval', cut_ms)
    .option('--numbers <count>', 'how many numbers to send, one each 10 ms', number_count, DEFAULT_NUMBERS)
    .addHelpText(
      'after',
      `
It sends the numbers from 1 on, and prints at the end what became of them:

  sent 1,000, echoed 1,000, missing 0, twice 0, over 11 connections (session recovered 10 times)

With --cut, a wire in between fails as networks do: for 0.3 s nothing comes through,
then the connection is lost, and the client reconnects. Run it with --session and
without: a client without a session loses what was on its way.

Ctrl-C ends it early, with the same line.

Exit code: 0 if each number came back once, else 1.`,
    )
    .action(async (url: string, given: Omit<CountArguments, 'url'>) =>
      report(await run_count({ ...given, url })),
    )
  return program
}

function whole_ms(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('Give a whole number of milliseconds.')
}

function whole_count(text: string): number {
  if (/^[1-9]\d{0,3}$/.test(text) && Number(text) <= MAX_WORKERS) return Number(text)
  throw new InvalidArgumentError(`Give a whole number from 1 to ${MAX_WORKERS}.`)
}

function number_count(text: string): number {
  if (/^[1-9]\d{0,6}$/.test(text) && Number(text) <= MAX_NUMBERS) return Number(text)
  throw new InvalidArgumentError(`Give a whole number from 1 to ${MAX_NUMBERS}.`)
}

function cut_ms(text: string): number {
  if (/^\d{1,4}(\.\d{1,3})?$/.test(text) && Number(text) >= MIN_CUT_SECONDS && Number(text) <= MAX_SECONDS)
    return Math.round(Number(text) * 1000)
  throw new InvalidArgumentError(`Give seconds from ${MIN_CUT_SECONDS} to ${MAX_SECONDS}, such as 1 or 2.5.`)
}

function seconds_option(flags: string, description: string, default_ms: number): Option {
  return new Option(flags, description)
    .argParser(ms_of_seconds)
    .default(default_ms, `${default_ms / 1000} seconds`)
}

function ms_of_seconds(text: string): number {
  if (/^\d{1,4}(\.\d{1,3})?$/.test(text) && Number(text) <= MAX_SECONDS)
    return Math.round(Number(text) * 1000)
  throw new InvalidArgumentError(`Give seconds from 0 to ${MAX_SECONDS}, such as 2 or 0.5.`)
}

function append(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text]
}

function read_file(file: string): Buffer {
  try {
    return readFileSync(file)
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message)
  }
}
