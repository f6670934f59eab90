import { createHash, randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type WsClient } from '@bt/net'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { Program } from './program.ts'

const sha256 = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex')

/** What a client sends: a beginning with that size, a chunk of so many bytes, an end with that checksum, or text. */
type Step = ['begin', number] | ['chunk', number] | ['end', string] | ['text', string]

const REFUSED: readonly [string, ...Step[]][] = [
  ['a checksum that is another', ['begin', 3], ['chunk', 3], ['end', sha256(new Uint8Array(2))]],
  ['less than was announced', ['begin', 3], ['chunk', 2], ['end', sha256(new Uint8Array(2))]],
  ['more than was announced', ['begin', 3], ['chunk', 4]],
  ['more than a file may have', ['begin', 2_147_483_649]],
  ['a chunk before anything else', ['chunk', 3]],
  ['an end before anything else', ['end', '']],
  ['a second beginning', ['begin', 3], ['begin', 3]],
  ['no JSON', ['text', 'hello']],
  ['a size that is none', ['text', '{"type":"begin","name":"a","size":-1}']],
  ['a path', ['text', '{"type":"begin","name":"../a","size":1}']],
  ['a hidden file', ['text', '{"type":"begin","name":".a","size":1}']],
]

describe('the upload', () => {
  let home: string
  let folder: string
  let server: Program
  let url: string

  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'upload-'))
    onTestFinished(() => rm(home, { recursive: true }))
    folder = join(home, 'uploads')
    server = start_server()
    url = await server.url()
  })

  function start_server(bind = '127.0.0.1:0', env: Readonly<Record<string, string>> = {}): Program {
    return new Program('upload_server', { BIND: bind, FOLDER: folder, MAX_FILE_BYTES: '2147483648', ...env })
  }

  /** A file to send, of that content, or of that many zeros, which take no room on the disk. */
  async function make_file(content: Uint8Array | number): Promise<string> {
    const path = join(home, 'file.bin')
    await writeFile(path, typeof content === 'number' ? '' : content)
    if (typeof content === 'number') await truncate(path, content)
    return path
  }

  /** A client of our own, and what reads what it is told. */
  function open_client(): { client: WsClient; next: () => Promise<unknown> } {
    const client = connect({ type: 'ws', url, on_error: () => {} })
    onTestFinished(() => client[Symbol.asyncDispose]())
    const told = client[Symbol.asyncIterator]()
    return { client, next: async () => JSON.parse((await told.next()).value ?? 'null') }
  }

  /** What is in the folder: the files, and what is on its way. */
  async function stored(): Promise<string[]> {
    const names = await readdir(folder, { recursive: true })
    return names.filter(name => name !== '.parts')
  }

  it('stores a file as it is, tells how far it is, and leaves nothing else', async () => {
    const content = randomBytes(5 * 1_048_576 + 3)
    const client = new Program('upload_file', {}, [await make_file(content), url])
    expect(await client.exit).toEqual({ code: 0, signal: null })
    expect(client.written).toBe('19 %\n39 %\n59 %\n79 %\n99 %\n100 %\n')
    expect(await stored()).toEqual(['file.bin'])
    expect((await readFile(join(folder, 'file.bin'))).equals(content)).toBe(true)
  })

  it('stores an empty file', async () => {
    const client = new Program('upload_file', {}, [await make_file(0), url])
    expect(await client.exit).toEqual({ code: 0, signal: null })
    expect(await stored()).toEqual(['file.bin'])
  })

  it.skipIf(process.platform !== 'linux')('holds little of a large file in memory', async () => {
    const client = new Program('upload_file', {}, [await make_file(160 * 1_048_576), url])
    expect(await client.exit).toEqual({ code: 0, signal: null })
    const status = await readFile(`/proc/${server.child.pid}/status`, 'utf8')
    const [, peak_kib] = /VmHWM:\s+(\d+) kB/.exec(status) ?? []
    expect(Number(peak_kib) / 1_024).toBeLessThan(160)
  })

  it('leaves nothing of a file whose sender was killed', async () => {
    const client = new Program('upload_file', {}, [await make_file(2_000_000_000), url])
    await client.says(/\d %/)
    await client.stop('SIGKILL')
    await server.says(/file\.bin broke off after \d+ bytes/)
    expect(await stored()).toEqual([])
  })

  it('leaves nothing of a file whose sender closes in the middle of it', async () => {
    const { client, next } = open_client()
    client.send('{"type":"begin","name":"a.bin","size":9000000}')
    for (let i = 0; i < 16; i += 1) client.send(new Uint8Array(65_536))
    expect(await next()).toEqual({ type: 'stored', bytes: 1_048_576 })
    client.close()
    await server.says(/a\.bin broke off after 1048576 bytes/)
    expect(await stored()).toEqual([])
  })

  it('tells the sender when the server is killed, and nothing is left once that is back', async () => {
    const client = new Program('upload_file', {}, [await make_file(2_000_000_000), url])
    await client.says(/\d %/)
    await server.stop('SIGKILL')
    expect((await client.exit).code).toBe(1)
    expect(client.written).toMatch(/connection/)
    expect(await stored()).toHaveLength(1)
    await start_server(new URL(url).host).url()
    expect(await stored()).toEqual([])
  })

  it('tells the sender when the server ends, which exits with 0 and leaves nothing', async () => {
    const client = new Program('upload_file', {}, [await make_file(2_000_000_000), url])
    await client.says(/\d %/)
    expect(await server.stop()).toEqual({ code: 0, signal: null })
    expect((await client.exit).code).toBe(1)
    expect(client.written).toContain('the server has closed: 1001')
    expect(await stored()).toEqual([])
  })

  it('does not replace a file that is there', async () => {
    await writeFile(join(folder, 'file.bin'), 'old')
    const client = new Program('upload_file', {}, [await make_file(Buffer.from('new')), url])
    expect((await client.exit).code).toBe(1)
    expect(client.written).toContain('there is another file.bin already')
    await server.says(/file\.bin broke off/)
    expect(await readFile(join(folder, 'file.bin'), 'utf8')).toBe('old')
    expect(await stored()).toEqual(['file.bin'])
  })

  it('is done with a file that is stored already, as when the first answer was lost', async () => {
    const file = await make_file(Buffer.from('content'))
    for (let i = 0; i < 2; i += 1) {
      const client = new Program('upload_file', {}, [file, url])
      expect(await client.exit).toEqual({ code: 0, signal: null })
    }
    expect(await stored()).toEqual(['file.bin'])
  })

  it('takes no more than fits, with what is stored and announced, and counts an empty file too', async () => {
    await server.stop()
    await writeFile(join(folder, 'before'), 'x'.repeat(8_192))
    const small = start_server('127.0.0.1:0', { MAX_FOLDER_BYTES: String(8_192 + 4_096 + 100_000) })
    url = await small.url()
    const [first, second, empty, third] = [open_client(), open_client(), open_client(), open_client()]
    const begin = ({ client, next }: typeof first, name: string, size: number): Promise<unknown> => {
      client.send(JSON.stringify({ type: 'begin', name, size }))
      return next()
    }
    first.client.send('{"type":"begin","name":"a","size":100000}')
    first.client.send(new Uint8Array(65_536))
    await first.client.drained()
    const emptied = begin(empty, 'b', 0)
    empty.client.send(JSON.stringify({ type: 'end', sha256: sha256(new Uint8Array()) }))
    expect(await emptied).toMatchObject({ type: 'done' })
    const failed = { type: 'failed', why: 'there is no space left for it' }
    expect(await begin(second, 'c', 1)).toEqual(failed)
    first.client.close()
    await small.says(/a broke off/)
    const again = begin(third, 'c', 3)
    third.client.send(new TextEncoder().encode('abc'))
    third.client.send(JSON.stringify({ type: 'end', sha256: sha256(new TextEncoder().encode('abc')) }))
    expect(await again).toMatchObject({ type: 'done' })
  })

  it('closes a client that begins nothing', async () => {
    await server.stop()
    url = await start_server('127.0.0.1:0', { IDLE_MS: '100' }).url()
    const { client } = open_client()
    client.on_message(() => {})
    expect(await client.closed).toMatchObject({ code: 4408 })
  })

  it('refuses at once a name that is longer than a file system takes', async () => {
    const { client, next } = open_client()
    client.send(JSON.stringify({ type: 'begin', name: '名'.repeat(86), size: 1 }))
    expect(await next()).toMatchObject({ type: 'failed', why: expect.stringContaining('a name has at most') })
    const longest = open_client()
    longest.client.send(JSON.stringify({ type: 'begin', name: '𠮷'.repeat(63), size: 0 }))
    longest.client.send(JSON.stringify({ type: 'end', sha256: sha256(new Uint8Array()) }))
    expect(await longest.next()).toMatchObject({ type: 'done' })
  })

  it('refuses what it should, says why, and leaves nothing', async () => {
    for (const [what, ...steps] of REFUSED) {
      const { client, next } = open_client()
      for (const [kind, value] of steps)
        if (kind === 'begin') client.send(JSON.stringify({ type: 'begin', name: 'a', size: value }))
        else if (kind === 'chunk') client.send(new Uint8Array(value))
        else client.send(kind === 'end' ? JSON.stringify({ type: 'end', sha256: value }) : value)
      expect(await next(), what).toEqual({ type: 'failed', why: expect.any(String) })
      expect(await client.closed, what).toMatchObject({ code: 4400 })
    }
    await server.stop()
    expect(server.written).not.toContain('the upload fails')
    expect(await stored()).toEqual([])
  })

  it('tells nobody why the disk failed, but its log', async () => {
    await rm(join(folder, '.parts'), { recursive: true })
    const { client, next } = open_client()
    client.send('{"type":"begin","name":"a","size":1}')
    expect(await next()).toEqual({ type: 'failed', why: 'the server could not store it' })
    await server.says(/ENOENT/)
    await mkdir(join(folder, '.parts'))
    const again = new Program('upload_file', {}, [await make_file(3), url])
    expect(await again.exit).toEqual({ code: 0, signal: null })
  })

  it('says what is wrong when there is no server, or no file', async () => {
    const [lost, nothing] = [
      new Program('upload_file', {}, [await make_file(3), 'ws://127.0.0.1:1/upload']),
      new Program('upload_file', {}, [join(home, 'none'), url]),
    ]
    expect((await lost.exit).code).toBe(1)
    expect(lost.written).toMatch(/refused|127\.0\.0\.1:1/)
    expect((await nothing.exit).code).toBe(1)
    expect(nothing.written).toMatch(/ENOENT/)
  })
})
