// Takes files, one for each connection, and writes them to disk as quickly as the disk is, and no quicker. upload_file.ts sends them.
// FOLDER says where they go, BIND where it listens, MAX_FILE_BYTES how large one may be.
//
// A client sends {"type":"begin","name":"a.txt","size":3}, the content as binary messages, and {"type":"end","sha256":"…"}. It is sent what
// `Told` says. A file appears under its name when it is whole and has the right checksum; of an upload that breaks off, nothing is left.
import { createHash, type Hash, randomUUID } from 'node:crypto'
import { type FileHandle, link, mkdir, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { listen, type WsSocket } from '@bt/net'

const BIND = process.env.BIND ?? '127.0.0.1:8081'
const FOLDER = process.env.FOLDER ?? 'uploads'
/** On the same file system, so that a finished file is put in its place in one step. */
const PARTS_FOLDER = join(FOLDER, '.parts')
const MAX_FILE_BYTES = Number(process.env.MAX_FILE_BYTES ?? 1_073_741_824)
const MAX_CHUNK_BYTES = 256 * 1_024
/** How often a client hears how far it is. */
const PROGRESS_BYTES = 1_048_576
/** Who sends nothing for so long holds a file for nothing. */
const IDLE_MS = 60_000
/** No path, and nothing hidden. */
const NAME = /^[\p{L}\p{N}_][\p{L}\p{N}_. -]{0,99}$/u

type Told =
  | { readonly type: 'stored'; readonly bytes: number }
  | { readonly type: 'done'; readonly name: string; readonly bytes: number }
  | { readonly type: 'failed'; readonly why: string }

interface Upload {
  readonly name: string
  readonly size: number
  readonly part: string
  readonly file: FileHandle
  readonly hash: Hash
  readonly idle: NodeJS.Timeout
  bytes: number
}

type Uploader = WsSocket<{ upload: Upload | undefined }>

/** What the client did wrong, in words that it is told. Whatever else fails is ours, and stays between us and the log. */
class Refused extends Error {}

// What a process that was killed has left: no other one may use the same folder.
await rm(PARTS_FOLDER, { recursive: true, force: true })
await mkdir(PARTS_FOLDER, { recursive: true })

const server = listen({
  type: 'ws',
  bind: BIND,
  route: '/upload',
  binary: true,
  max_payload: MAX_CHUNK_BYTES,
  max_connections: 100,
  authorize: (): Uploader['data'] => ({ upload: undefined }),
  // While this runs, the client's next messages wait. When 256 KiB wait, its connection is not read any more, and it waits itself.
  on_message: async (socket, data) => {
    try {
      await take(socket, data)
    } catch (err) {
      if (!(err instanceof Refused)) console.error(`${socket.addr}: the upload fails:`, err)
      tell(socket, {
        type: 'failed',
        why: err instanceof Refused ? err.message : 'the server could not store it',
      })
      socket.close(4400, 'failed')
    }
  },
  // Comes last, and after the last `on_message`: nobody writes any more.
  on_close: async socket => {
    const { upload } = socket.data
    if (upload === undefined) return
    await discard(upload)
    console.log(`${socket.addr}: ${upload.name} broke off after ${upload.bytes} bytes`)
  },
  on_error: err => console.error(err.addr ?? '', err.message),
})

async function take(socket: Uploader, data: string | Uint8Array): Promise<void> {
  const { upload } = socket.data
  if (typeof data !== 'string') {
    if (upload === undefined) throw new Refused('say what the file is before you send it')
    await store(socket, upload, data)
    return
  }
  const message = read_message(data)
  if (message.type === 'begin' && upload === undefined) socket.data.upload = await begin(socket, message)
  else if (message.type === 'end' && upload !== undefined) await finish(socket, upload, message.sha256)
  else throw new Refused(`${message.type} is not what comes now`)
}

async function begin(socket: Uploader, { name, size }: { name: string; size: number }): Promise<Upload> {
  if (!NAME.test(name)) throw new Refused('the name has characters that a file may not have here')
  if (size > MAX_FILE_BYTES) throw new Refused(`the file has ${size} bytes, and may have ${MAX_FILE_BYTES}`)
  const part = join(PARTS_FOLDER, randomUUID())
  const file = await open(part, 'wx')
  const idle = setTimeout(() => socket.close(4408, `nothing came for ${IDLE_MS} ms`), IDLE_MS)
  return { name, size, part, file, hash: createHash('sha256'), idle, bytes: 0 }
}

async function store(socket: Uploader, upload: Upload, chunk: Uint8Array): Promise<void> {
  const bytes = upload.bytes + chunk.byteLength
  if (bytes > upload.size) throw new Refused(`more came than the ${upload.size} bytes that were announced`)
  await upload.file.writeFile(chunk)
  upload.hash.update(chunk)
  upload.idle.refresh()
  const is_progress = Math.floor(bytes / PROGRESS_BYTES) > Math.floor(upload.bytes / PROGRESS_BYTES)
  upload.bytes = bytes
  if (is_progress) tell(socket, { type: 'stored', bytes })
}

async function finish(socket: Uploader, upload: Upload, sha256: string): Promise<void> {
  const { name, size, bytes, part, file, hash } = upload
  if (bytes !== size) throw new Refused(`${bytes} bytes came of the ${size} that were announced`)
  if (hash.digest('hex') !== sha256)
    throw new Refused('the checksum is another: something was changed on the way')
  // On the disk, and not only in the system's memory, before anybody is told that it is there.
  await file.sync()
  // `link` refuses a name that is taken, where `rename` would replace the file.
  await link(part, join(FOLDER, name)).catch((err: NodeJS.ErrnoException) => {
    throw err.code === 'EEXIST' ? new Refused(`there is a ${name} already`) : err
  })
  socket.data.upload = undefined
  await discard(upload)
  console.log(`${socket.addr}: ${name} is stored, ${bytes} bytes`)
  tell(socket, { type: 'done', name, bytes })
}

/** Forgets an upload, and the name that its file had on the way. */
async function discard({ file, part, idle }: Upload): Promise<void> {
  clearTimeout(idle)
  await file.close()
  await rm(part, { force: true })
}

function tell(socket: Uploader, told: Told): void {
  socket.send(JSON.stringify(told))
}

type Message =
  | { readonly type: 'begin'; readonly name: string; readonly size: number }
  | { readonly type: 'end'; readonly sha256: string }

function read_message(text: string): Message {
  const { type, name, size, sha256 } = read_object(text)
  if (type === 'begin' && typeof name === 'string' && Number.isSafeInteger(size) && Number(size) >= 0)
    return { type, name, size: Number(size) }
  if (type === 'end' && typeof sha256 === 'string') return { type, sha256 }
  throw new Refused('send begin with name and size, the content in binary, and end with sha256')
}

/** The fields of a JSON object, none of them looked at; none where it is no object. */
function read_object(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => server.close())
await server.opened
console.log(`listening on ws://${server.addr}/upload`)
