import { createHash, randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type WsClient } from '@bt/net'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { Program } from './program.ts'

const sha256 = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex')

/** What a client sends: `begin` with a size, a chunk with a length, `end` with a checksum, or text. */
type Step = ['begin', number] | ['chunk', number] | ['end', string] | ['text', string]

const INVALID_UPLOADS: readonly [string, ...Step[]][] = [
  ['a wrong checksum', ['begin', 3], ['chunk', 3], ['end', sha256(new Uint8Array(2))]],
  ['fewer bytes than announced', ['begin', 3], ['chunk', 2], ['end', sha256(new Uint8Array(2))]],
  ['more bytes than announced', ['begin', 3], ['chunk', 4]],
  ['a file that is too large', ['begin', 2_147_483_649]],
  ['a chunk before the beginning', ['chunk', 3]],
  ['an end before the beginning', ['end', '']],
  ['a second beginning', ['begin', 3], ['begin', 3]],
  ['invalid JSON', ['text', 'hello']],
  ['a negative size', ['text', '{"type":"begin","name":"a","size":-1}']],
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

  /** Creates a file with the given content, or a sparse file of that many zeros. */
  async function make_file(content: Uint8Array | number): Promise<string> {
    const path = join(home, 'file.bin')
    await writeFile(path, typeof content === 'number' ? '' : content)
    if (typeof content === 'number') await truncate(path, content)
    return path
  }

  /** Connects a client, and returns it with a function that reads its messages one by one. */
  function open_client(): { client: WsClient; next: () => Promise<unknown> } {
    const client = connect({ type: 'ws', url, on_error: () => {} })
    onTestFinished(() => client[Symbol.asyncDispose]())
    const messages = client[Symbol.asyncIterator]()
    return { client, next: async () => JSON.parse((await messages.next()).value ?? 'null') }
  }

  /** Lists the files in the folder, and those that are being uploaded. */
  async function stored_files(): Promise<string[]> {
    const names = await readdir(folder, { recursive: true })
    return names.filter(name => name !== '.parts')
  }

  it('stores a file unchanged, reports its progress, and leaves no temporary file', async () => {
    const content = randomBytes(5 * 1_048_576 + 3)
    const client = new Program('upload_file', {}, [await make_file(content), url])
    expect(await client.exit).toEqual({ code: 0, signal: null })
    expect(client.written).toBe('19 %\n39 %\n59 %\n79 %\n99 %\n100 %\n')
    expect(await stored_files()).toEqual(['file.bin'])
    expect((await readFile(join(folder, 'file.bin'))).equals(content)).toBe(true)
  })

  it('stores an empty file', async () => {
    const client = new Program('upload_file', {}, [await make_file(0), url])
    expect(await client.exit).toEqual({ code: 0, signal: null })
    expect(await stored_files()).toEqual(['file.bin'])
  })

  it.skipIf(process.platform !== 'linux')('uses less memory than the size of a large file', async () => {
    const client = new Program('upload_file', {}, [await make_file(160 * 1_048_576), url])
    expect(await client.exit).toEqual({ code: 0, signal: null })
    const status = await readFile(`/proc/${server.child.pid}/status`, 'utf8')
    const [, peak_kib] = /VmHWM:\s+(\d+) kB/.exec(status) ?? []
    expect(Number(peak_kib) / 1_024).toBeLessThan(160)
  })

  it('deletes a partial file when its sender is killed', async () => {
    const client = new Program('upload_file', {}, [await make_file(2_000_000_000), url])
    await client.says(/\d %/)
    await client.stop('SIGKILL')
    await server.says(/file\.bin broke off after \d+ bytes/)
    expect(await stored_files()).toEqual([])
  })

  it('deletes a partial file when its sender closes the socket', async () => {
    const { client, next } = open_client()
    client.send('{"type":"begin","name":"a.bin","size":9000000}')
    for (let i = 0; i < 16; i += 1) client.send(new Uint8Array(65_536))
    expect(await next()).toEqual({ type: 'stored', bytes: 1_048_576 })
    client.close()
    await server.says(/a\.bin broke off after 1048576 bytes/)
    expect(await stored_files()).toEqual([])
  })

  it('fails the sender when the server is killed, and deletes the partial file at the next start', async () => {
    const client = new Program('upload_file', {}, [await make_file(2_000_000_000), url])
    await client.says(/\d %/)
    await server.stop('SIGKILL')
    expect((await client.exit).code).toBe(1)
    expect(client.written).toMatch(/connection/)
    expect(await stored_files()).toHaveLength(1)
    await start_server(new URL(url).host).url()
    expect(await stored_files()).toEqual([])
  })

  it('fails the sender and deletes the partial file when the server exits on a signal', async () => {
    const client = new Program('upload_file', {}, [await make_file(2_000_000_000), url])
    await client.says(/\d %/)
    expect(await server.stop()).toEqual({ code: 0, signal: null })
    expect((await client.exit).code).toBe(1)
    expect(client.written).toContain('the server has closed: 1001')
    expect(await stored_files()).toEqual([])
  })

  it('does not replace an existing file', async () => {
    await writeFile(join(folder, 'file.bin'), 'old')
    const client = new Program('upload_file', {}, [await make_file(Buffer.from('new')), url])
    expect((await client.exit).code).toBe(1)
    expect(client.written).toContain('there is another file.bin already')
    await server.says(/file\.bin broke off/)
    expect(await readFile(join(folder, 'file.bin'), 'utf8')).toBe('old')
    expect(await stored_files()).toEqual(['file.bin'])
  })

  it('confirms a file that is stored already, in case the first answer was lost', async () => {
    const file = await make_file(Buffer.from('content'))
    for (let i = 0; i < 2; i += 1) {
      const client = new Program('upload_file', {}, [file, url])
      expect(await client.exit).toEqual({ code: 0, signal: null })
    }
    expect(await stored_files()).toEqual(['file.bin'])
  })

  it('limits the total size of stored and announced files, and counts an empty file too', async () => {
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

  it('closes an idle client', async () => {
    await server.stop()
    url = await start_server('127.0.0.1:0', { IDLE_MS: '100' }).url()
    const { client } = open_client()
    client.on_message(() => {})
    expect(await client.closed).toMatchObject({ code: 4408 })
  })

  it('refuses a name that is too long for a file system before any content arrives', async () => {
    const { client, next } = open_client()
    client.send(JSON.stringify({ type: 'begin', name: '名'.repeat(86), size: 1 }))
    expect(await next()).toMatchObject({ type: 'failed', why: expect.stringContaining('a name has at most') })
    const longest = open_client()
    longest.client.send(JSON.stringify({ type: 'begin', name: '𠮷'.repeat(63), size: 0 }))
    longest.client.send(JSON.stringify({ type: 'end', sha256: sha256(new Uint8Array()) }))
    expect(await longest.next()).toMatchObject({ type: 'done' })
  })

  it('refuses an invalid upload with a reason, and deletes its file', async () => {
    for (const [title, ...steps] of INVALID_UPLOADS) {
      const { client, next } = open_client()
      for (const [kind, value] of steps)
        if (kind === 'begin') client.send(JSON.stringify({ type: 'begin', name: 'a', size: value }))
        else if (kind === 'chunk') client.send(new Uint8Array(value))
        else client.send(kind === 'end' ? JSON.stringify({ type: 'end', sha256: value }) : value)
      expect(await next(), title).toEqual({ type: 'failed', why: expect.any(String) })
      expect(await client.closed, title).toMatchObject({ code: 4400 })
    }
    await server.stop()
    expect(server.written).not.toContain('the upload fails')
    expect(await stored_files()).toEqual([])
  })

  it('logs a disk error, and does not send it to the client', async () => {
    await rm(join(folder, '.parts'), { recursive: true })
    const { client, next } = open_client()
    client.send('{"type":"begin","name":"a","size":1}')
    expect(await next()).toEqual({ type: 'failed', why: 'the server could not store it' })
    await server.says(/ENOENT/)
    await mkdir(join(folder, '.parts'))
    const again = new Program('upload_file', {}, [await make_file(3), url])
    expect(await again.exit).toEqual({ code: 0, signal: null })
  })

  it('exits with 1 and an error if the server or the file is missing', async () => {
    const [no_server, no_file] = [
      new Program('upload_file', {}, [await make_file(3), 'ws://127.0.0.1:1/upload']),
      new Program('upload_file', {}, [join(home, 'none'), url]),
    ]
    expect((await no_server.exit).code).toBe(1)
    expect(no_server.written).toMatch(/refused|127\.0\.0\.1:1/)
    expect((await no_file.exit).code).toBe(1)
    expect(no_file.written).toMatch(/ENOENT/)
  })
})
