import { execFile } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { runInNewContext } from 'node:vm'
import { connect, listen, type WsServer } from '@bt/net'
import { RunningProgram } from '@bt/test-support/running_program'
import { temporary_folder } from '@bt/test-support/temporary'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { bundle_with_esbuild, ESBUILD_BANNER, NODE_BUNDLES, PAGE_BUNDLES, remove_entries } from './bundles.ts'

/** The bundles run here, where no package is installed. */
const FOLDER = temporary_folder('bundles')

afterAll(() => {
  rmSync(FOLDER, { recursive: true })
  remove_entries()
})

/** Longer than the messages that `ws` masks and checks without `bufferutil` and `utf-8-validate`. */
const MESSAGE = 'ä'.repeat(100)

/** Listens and connects, and prints the echo of its message. */
const BOTH_SIDES = `
import { connect, listen } from '@bt/net'
const on_error = err => { console.error(err); process.exitCode = 1 }
const server = listen({ type: 'ws', bind: '127.0.0.1:0', on_message: (socket, data) => { socket.send('echo:' + data) }, on_error })
server.opened.then(() => {
  const ws = connect({ type: 'ws', url: 'ws://' + server.addr + '/ws', on_error })
  ws.on_message(data => { console.log(data); ws.close(); server.close() })
  ws.send('${MESSAGE}')
})
`

describe.each(NODE_BUNDLES)('a bundle for Node by $name', ({ of, extension }) => {
  it('starts without node_modules, listens, connects, and exchanges messages', async () => {
    const file = join(FOLDER, `bundle.${extension}`)
    writeFileSync(file, await of(BOTH_SIDES))
    const { stdout } = await promisify(execFile)(process.execPath, [file])
    expect(stdout).toBe(`echo:${MESSAGE}\n`)
  })
})

const SERVER = `
import { listen } from '@bt/net'
const server = listen({
  type: 'ws', bind: '127.0.0.1:0',
  on_message: (socket, data) => { socket.send('echo:' + data) },
  on_close: () => { server.close() },
})
server.opened.then(() => { console.log(server.addr) })
`

it('a server alone contains no CommonJS code: as a module, it starts without a banner', async () => {
  const code = await bundle_with_esbuild(SERVER, { platform: 'node', format: 'esm' })
  expect(code).not.toMatch(/bufferutil|\brequire\(/)
  const file = join(FOLDER, 'bundle.mjs')
  writeFileSync(file, code)
  const program = new RunningProgram(process.execPath, [file])
  await program.until(({ stdout }) => stdout.endsWith('\n'))
  expect(await echo_of(program.stdout.trim())).toBe(`echo:${MESSAGE}`)
  expect(await program.exit).toEqual({ code: 0, signal: null })
})

it('esbuild needs the banner for a module that connects, and the guide has it', async () => {
  const guide = readFileSync(new URL('../../../docs/platforms.md', import.meta.url), 'utf8')
  expect(guide).toContain(`\n${ESBUILD_BANNER}\n`)
  const code = await bundle_with_esbuild(BOTH_SIDES, { platform: 'node', format: 'esm' })
  const file = join(FOLDER, 'bundle.mjs')
  writeFileSync(file, code)
  await expect(promisify(execFile)(process.execPath, [file])).rejects.toThrow(/Dynamic require of/)
})

async function echo_of(addr: string): Promise<unknown> {
  const ws = connect({ type: 'ws', url: `ws://${addr}/ws` })
  ws.send(MESSAGE)
  for await (const data of ws) {
    ws.close()
    return data
  }
  return undefined
}

/** Sets `run`, which connects, and resolves with the echo of a message when the connection is closed. */
const PAGE = `
import { connect } from '@bt/net'
globalThis.run = async (url, message) => {
  const ws = connect({ type: 'ws', url })
  let echo
  ws.on_message(data => { echo = data; ws.close() })
  ws.send(message)
  const { clean } = await ws.closed
  return { echo, clean }
}
`

describe.each(PAGE_BUNDLES)('a bundle for a page by $name', ({ of }) => {
  let server: WsServer

  beforeAll(async () => {
    server = listen({
      type: 'ws',
      bind: '127.0.0.1:0',
      on_message: (socket, data) => void socket.send(`echo:${data}`),
    })
    await server.opened
  })

  afterAll(() => server.close())

  it('has no code for Node, and exchanges messages over the WebSocket of the platform', async () => {
    const code = await of(PAGE)
    expect(code).not.toMatch(/["']node:|bufferutil/)
    const page = { WebSocket, URL, AbortController, performance, queueMicrotask, setTimeout, clearTimeout }
    runInNewContext(code, page)
    const run = Reflect.get(page, 'run')
    expect(await run(`ws://${server.addr}/ws`, MESSAGE)).toEqual({ echo: `echo:${MESSAGE}`, clean: true })
  })
})
