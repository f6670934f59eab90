#!/usr/bin/env node
import { createRequire } from 'node:module'
import { redact_values } from '@bt/demo-support/argument_error'
import { broker_url, cluster_of } from '@bt/demo-support/cluster_of'
import { NetError } from '@bt/net'
import { Command, InvalidArgumentError, Option } from 'commander'
import { type Address, parse_loopback } from './address.js'
import { say_error, visible } from './print.js'
import { run_serve, type ServeOptions } from './serve.js'

const DEFAULT_BIND = '127.0.0.1:8080'
const DEFAULT_WS_BIND = '127.0.0.1:8082'

const { version } = createRequire(import.meta.url)('@bt/net/package.json') as { version: string }

interface Given {
  readonly bind: Address
  readonly wsBind: Address
  readonly cluster?: string
}

await new Command('browser-demo')
  .description('A page that shows what a connection does, and the server beside it, on @bt/net.')
  .version(version, '-V, --version', 'print the version of @bt/net')
  .configureOutput({ outputError: (message, write) => write(redact_values(message, visible)) })
  .addOption(bind_option('--bind <host:port>', 'where to serve the page', DEFAULT_BIND))
  .addOption(bind_option('--ws-bind <host:port>', 'where the page connects to', DEFAULT_WS_BIND))
  .option(
    '--cluster <url>',
    'be one of several nodes, whose pages see each other: nats://host:port or redis://host:port',
    broker_url,
  )
  .addHelpText(
    'after',
    `
Several nodes, each in a terminal of its own, with the same broker:

  browser-demo --cluster nats://127.0.0.1:4222
  browser-demo --cluster nats://127.0.0.1:4222 --bind 127.0.0.1:8090 --ws-bind 127.0.0.1:8092`,
  )
  .action(async ({ bind, wsBind, cluster }: Given) => {
    try {
      const options: ServeOptions = { bind, ws_bind: wsBind, broker: await cluster_of(cluster) }
      process.exitCode = await run_serve(options)
    } catch (error) {
      if (!(error instanceof NetError)) throw error
      say_error(error)
      process.exitCode = 1
    }
  })
  .parseAsync()

function bind_option(flags: string, description: string, addr: string): Option {
  return new Option(flags, `${description}; port 0 takes a free one`)
    .argParser(address)
    .default(address(addr), addr)
}

function address(text: string): Address {
  const parsed = parse_loopback(text)
  if (parsed !== undefined) return parsed
  throw new InvalidArgumentError(
    `Give a loopback address and a port, such as ${DEFAULT_BIND}: the demo is for this machine alone.`,
  )
}
