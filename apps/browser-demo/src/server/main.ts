#!/usr/bin/env node
import { createRequire } from 'node:module'
import { type Address, parse_loopback } from '@bt/demo-support/address'
import { redact_values } from '@bt/demo-support/argument_error'
import { broker_url, cluster_of } from '@bt/demo-support/cluster_of'
import { NetError } from '@bt/net'
import { Command, InvalidArgumentError, Option } from 'commander'
import { say_error, visible } from './print.js'
import { run_serve, type ServeOptions } from './serve.js'

const DEFAULT_BIND = '127.0.0.1:8080'
const DEFAULT_WS_BIND = '127.0.0.1:8082'

const { version } = createRequire(import.meta.url)('@bt/net/package.json') as { version: string }

interface ParsedOptions {
  readonly bind: Address
  readonly wsBind: Address
  readonly cluster?: string
}

await new Command('browser-demo')
  .description('A page that shows what its connection does, and its server, built with @bt/net.')
  .version(version, '-V, --version', 'print the version of @bt/net')
  .configureOutput({ outputError: (message, write) => write(redact_values(message, visible)) })
  .addOption(bind_option('--bind <host:port>', 'the address of the page', DEFAULT_BIND))
  .addOption(bind_option('--ws-bind <host:port>', 'the address of its WebSocket', DEFAULT_WS_BIND))
  .option(
    '--cluster <url>',
    'join other nodes, whose pages see each other, by a broker: nats://host:port or redis://host:port',
    broker_url,
  )
  .addHelpText(
    'after',
    `
Several nodes with the same broker, each in its own terminal:

  browser-demo --cluster nats://127.0.0.1:4222
  browser-demo --cluster nats://127.0.0.1:4222 --bind 127.0.0.1:8090 --ws-bind 127.0.0.1:8092`,
  )
  .action(async ({ bind, wsBind, cluster }: ParsedOptions) => {
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
  return new Option(flags, `${description}; port 0 selects a free one`)
    .argParser(address)
    .default(address(addr), addr)
}

function address(text: string): Address {
  const parsed = parse_loopback(text)
  if (parsed !== undefined) return parsed
  throw new InvalidArgumentError(
    `Give a loopback address and a port, such as ${DEFAULT_BIND}: the demo is only for this machine.`,
  )
}
