import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { make_authority } from '@bt/test-support/certificates'
import { blocks_of, samples_of } from '@bt/test-support/samples'
import { temporary_folder } from '@bt/test-support/temporary'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import * as net from '../src/index.js'

const here = dirname(fileURLToPath(import.meta.url))
const package_folder = join(here, '..')
const root = join(package_folder, '../..')
/** Inside the package, so that `@bt/net` resolves to its build, as for a user who has installed it. */
const folder = temporary_folder('readme', package_folder)
const run = promisify(execFile)
const ADDRESS = '127.0.0.1:8081'

/** All that a sample uses of Node. */
const NODE_FS = "declare module 'node:fs' { export function readFileSync(path: string): Uint8Array }"

const running: ChildProcess[] = []

/** Writes a sample down to run it, at an address that is free just now. */
function written(name: string, code: string, address: string): string {
  const file = join(folder, `${name}.mjs`)
  writeFileSync(file, code.replaceAll(ADDRESS, address))
  return file
}

/** Returns an address at which nothing listens. */
async function free_address(): Promise<string> {
  const server = net.listen({ type: 'ws', bind: '127.0.0.1:0' })
  await server.opened
  await server[Symbol.asyncDispose]()
  return server.addr
}

/** Starts the server's sample, and waits until it listens. */
async function start_server(
  code: string,
  address: string,
  path = '/ws',
): Promise<{ readonly output: () => string }> {
  const server = spawn(process.execPath, [written('server', code, address)])
  running.push(server)
  let output = ''
  for (const stream of [server.stdout, server.stderr]) stream.on('data', part => (output += part))
  for (;;) {
    const probe = net.connect({ type: 'ws', url: `ws://${address}${path}`, on_error: () => {} })
    const is_open = await probe.opened.then(
      () => true,
      () => false,
    )
    await probe[Symbol.asyncDispose]()
    if (is_open) return { output: () => output }
  }
}

afterEach(() => {
  for (const child of running.splice(0)) child.kill()
})
afterAll(() => rmSync(folder, { recursive: true }))

/** The output of the sample client, which the page shows. */
const PRINTED = 'from server: welcome\nfrom server: echo:hello\nclosed\n'

/**
 * The pages with samples that this test runs, and which: those of a guide whose names end like a file's are
 * run elsewhere.
 */
const PAGES = [
  { page: 'README.md', chinese: 'README.zh-CN.md', names: ['server', 'client'] },
  { page: 'docs/server.md', chinese: 'docs/zh/server.md', names: ['admission', 'topics', 'tls'] },
  { page: 'docs/client.md', chinese: 'docs/zh/client.md', names: ['probe', 'reconnect', 'loop', 'drained'] },
] as const

const text_of = (page: string): string => readFileSync(join(root, page), 'utf8')

/** The samples of a page that this test runs, by name. */
function own_samples(page: string): ReadonlyMap<string, string> {
  return new Map([...samples_of(text_of(page))].filter(([name]) => !/\.\w+$/.test(name)))
}

const samples = new Map(PAGES.flatMap(({ page }) => [...own_samples(page)]))

describe.each(PAGES)('$page and $chinese', ({ page, chinese, names }) => {
  it('have the samples that are run here, and no code that is not run', () => {
    for (const path of [page, chinese]) {
      expect([...own_samples(path).keys()], path).toEqual(names)
      const typed = blocks_of(text_of(path)).filter(({ language }) => language === 'ts')
      expect(typed, path).toHaveLength(samples_of(text_of(path)).size)
    }
  })

  it('have the same samples', () => {
    expect(own_samples(chinese)).toEqual(own_samples(page))
  })
})

it.each(['README.md', 'README.zh-CN.md'])('%s shows what the client prints', readme => {
  expect(text_of(readme)).toContain(PRINTED)
})

describe.each([
  { folder: 'docs', shared: 'Options of both sides' },
  { folder: 'docs/zh', shared: '两端都有的选项' },
])('$folder', ({ folder, shared }) => {
  it.each([
    ['server.md', 'listen'],
    ['client.md', 'connect'],
  ] as const)('%s lists every option of %s, and no other', (guide, call) => {
    const own = options_listed(`${folder}/${guide}`, `## \`${call}(options)\``)
    const both = options_listed(`${folder}/server.md`, `### ${shared}`)
    expect([...own, ...both].sort()).toEqual(known_options(call).sort())
  })
})

/** Returns the options in the first table below a heading of a guide. */
function options_listed(guide: string, heading: string): string[] {
  const [, section = ''] = text_of(guide).split(`\n${heading}`)
  const [, rows = ''] = /((?:^\|.*\n)+)/m.exec(section) ?? []
  return Array.from(rows.matchAll(/^\| (.*?) \|/gm), ([, cell]) => String(cell)).flatMap(cell =>
    Array.from(cell.matchAll(/`(\w+)(?:\([^)]*\))?`/g), ([, name]) => String(name)),
  )
}

describe('the samples', () => {
  it('run unchanged, and print what the pages show', async () => {
    const address = await free_address()
    const server = await start_server(samples.get('server') ?? '', address)
    const outputs = await Promise.all(
      ['client', 'drained', 'loop'].map(async name => {
        const { stdout, stderr } = await run(process.execPath, [
          written(name, samples.get(name) ?? '', address),
        ])
        return stdout + stderr
      }),
    )
    expect(outputs).toEqual([PRINTED, 'true 0\n', 'welcome\necho:hello\n'])
    expect(server.output()).toMatch(/^(ws closed:127\.0\.0\.1:\d+\n)+$/)
  })

  it('for TLS runs as it stands, beside the files that it names', async () => {
    const authority = await make_authority()
    const { cert, key } = await authority.issue({ hosts: ['localhost'] })
    for (const [name, pem] of Object.entries({
      'ca.crt': authority.cert,
      'server.crt': cert,
      'server.key': key,
    }))
      writeFileSync(join(folder, name), pem)
    const [, port = ''] = (await free_address()).split(':')
    const file = written('tls', (samples.get('tls') ?? '').replaceAll('8443', port), ADDRESS)
    const { stdout, stderr } = await run(process.execPath, [file], { cwd: folder })
    expect(stdout + stderr).toBe('welcome over TLS\n')
  })

  it('for admission refuses clients without a token, and pages of other origins', async () => {
    const address = await free_address()
    await start_server(samples.get('admission') ?? '', address, '/ws?token=a-token')
    const url = `ws://${address}/ws`
    const ask = (options: object): net.WsClient =>
      net.connect({ type: 'ws', url: `${url}?token=a-token`, on_error: () => {}, ...options })
    for await (const data of ask({ headers: { Origin: 'https://example.com' } })) {
      expect(data).toBe('welcome, ada')
      break
    }
    await expect(ask({ url }).opened).rejects.toThrow(/401.*no such token/s)
    await expect(ask({ headers: { Origin: 'https://evil.example' } }).opened).rejects.toThrow(/403/)
  })

  it('for topics sends to the members of a room, and announces who has left', async () => {
    const address = await free_address()
    await start_server(samples.get('topics') ?? '', address, '/ws?room=of-nobody')
    const connect_clients = async (
      room: string,
    ): Promise<{ client: net.WsClient; heard: AsyncIterator<unknown> }> => {
      const client = net.connect({ type: 'ws', url: `ws://${address}/ws?room=${room}` })
      await client.opened
      return { client, heard: client[Symbol.asyncIterator]() }
    }
    const [ada, bob, eve] = [
      await connect_clients('1'),
      await connect_clients('1'),
      await connect_clients('2'),
    ]
    ada.client.send('hello')
    expect(await bob.heard.next()).toEqual({ value: 'hello', done: false })
    bob.client.send('hi')
    expect(await ada.heard.next()).toEqual({ value: 'hi', done: false })
    ada.client.close()
    expect((await bob.heard.next()).value).toMatch(/^127\.0\.0\.1:\d+ has left$/)
    const nothing = eve.heard.next()
    eve.client.close()
    expect(await nothing).toMatchObject({ done: true })
    bob.client.close()
  })

  it('have types that are right', async () => {
    const typed = join(folder, 'typed')
    mkdirSync(typed)
    for (const [name, code] of samples) writeFileSync(join(typed, `${name}.ts`), code)
    writeFileSync(join(typed, 'node.d.ts'), NODE_FS)
    const settings = {
      // As in a project for browsers, without types of Node.
      compilerOptions: { module: 'nodenext', target: 'es2022', strict: true, noEmit: true, types: [] },
      include: ['*.ts'],
    }
    writeFileSync(join(typed, 'tsconfig.json'), JSON.stringify(settings))
    const tsc = fileURLToPath(import.meta.resolve('typescript/package.json'))
    await run(process.execPath, [join(dirname(tsc), 'bin/tsc'), '-p', typed])
  })
})

/** The options that a call knows, as it says itself. */
function known_options(call: 'listen' | 'connect'): string[] {
  const calls: Record<typeof call, (options: never) => unknown> = { listen: net.listen, connect: net.connect }
  try {
    calls[call]({ type: 'ws', [`not_an_option_${'x'.repeat(40)}`]: 1 } as never)
  } catch (error) {
    return /known are (.*)$/.exec((error as Error).message)?.[1]?.split(', ') ?? []
  }
  return []
}
