#!/usr/bin/env node
import { createRequire } from 'node:module'
import { Command, InvalidArgumentError, Option } from 'commander'
import { type Address, parse_loopback } from './address.js'
import { run_serve, type ServeOptions } from './serve.js'

const DEFAULT_BIND = '127.0.0.1:8080'
const DEFAULT_WS_BIND = '127.0.0.1:8082'

const { version } = createRequire(import.meta.url)('@bt/net/package.json') as { version: string }

interface Given {
  readonly bind: Address
  readonly wsBind: Address
}

await new Command('browser-demo')
  .description('A page that shows what a connection does, and the server beside it, on @bt/net.')
  .version(version, '-V, --version', 'print the version of @bt/net')
  .addOption(bind_option('--bind <host:port>', 'where to serve the page', DEFAULT_BIND))
  .addOption(bind_option('--ws-bind <host:port>', 'where the page connects to', DEFAULT_WS_BIND))
  .action(async ({ bind, wsBind }: Given) => {
    const options: ServeOptions = { bind, ws_bind: wsBind }
    process.exitCode = await run_serve(options)
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
