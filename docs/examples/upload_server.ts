// Receives files, one at a time on each connection, and reads no faster than the disk writes. upload_file.ts
// sends them. FOLDER is the folder for the files, BIND the address to listen on, MAX_FILE_BYTES the maximum
// size of a file, and MAX_FOLDER_BYTES that of all files together.
//
// A client sends {"type":"begin","name":"a.txt","size":3}, the content as binary messages, and
// {"type":"end","sha256":"…"}. It receives each `ServerMessage` as JSON. A file appears under its name when
// it is complete and its checksum is correct; the rest of an aborted upload is deleted. If the connection
// ends before `done` arrives, send the file again: a file that is stored already is answered with `done` too.
//
// Any client that can connect may upload files: see sign_in_by_token.ts for `authorize`.
import { createHash, type Hash, randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type FileHandle, link, mkdir, open, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { listen, type WsSocket } from '@bt/net'

const BIND = process.env.BIND ?? '127.0.0.1:8081'
const FOLDER = process.env.FOLDER ?? 'uploads'
/** On the same file system, so that a complete file gets its name in one step. */
const PARTS_FOLDER = join(FOLDER, '.parts')
const MAX_FILE_BYTES = Number(process.env.MAX_FILE_BYTES ?? 1_073_741_824)
const MAX_FOLDER_BYTES = Number(process.env.MAX_FOLDER_BYTES ?? 10_737_418_240)
/** An empty file takes space too. */
const MIN_FILE_BYTES = 4_096
const MAX_CHUNK_BYTES = 256 * 1_024
/** A client is sent its progress whenever this many more bytes are stored. */
const PROGRESS_BYTES = 1_048_576
/** A client that sends nothing for this long is closed. */
const IDLE_MS = Number(process.env.IDLE_MS ?? 60_000)
/** No path, nothing hidden, and at most the 255 bytes of UTF-8 that file systems take. */
const NAME = /^[\p{L}\p{N}_][\p{L}\p{N}_. -]{0,62}$/u

type ServerMessage =
  | { readonly type: 'stored'; readonly bytes: number }
  | { readonly type: 'done'; readonly name: string; readonly bytes: number }
  | { readonly type: 'failed'; readonly why: string }

interface Upload {
  readonly name: string
  readonly size: number
  readonly part: string
  readonly file: FileHandle
  readonly hash: Hash
  bytes: number
}

type Uploader = WsSocket<{ upload: Upload | undefined; idle: NodeJS.Timeout | undefined }>

/** An error of the client, whose message it receives. Any other error is ours, and is only logged. */
class UploadRefused extends Error {}

// Parts that a killed process has left behind. Two processes cannot share a folder.
await rm(PARTS_FOLDER, { recursive: true, force: true })
await mkdir(PARTS_FOLDER, { recursive: true })
/** The size of all stored and announced files. */
let used_bytes = 0
for (const { name } of (await readdir(FOLDER, { withFileTypes: true })).filter(entry => entry.isFile()))
  used_bytes += space_of((await stat(join(FOLDER, name))).size)

const server = listen({
  type: 'ws',
  bind: BIND,
  route: '/upload',
  binary: true,
  max_payload: MAX_CHUNK_BYTES,
  max_connections: 100,
  // Keeps one address from using all connections. Behind a proxy, set `trust_proxy`.
  max_connections_per_ip: 20,
  authorize: (): Uploader['data'] => ({ upload: undefined, idle: undefined }),
  on_connect: socket => {
    socket.data.idle = setTimeout(() => socket.close(4408, `nothing received for ${IDLE_MS} ms`), IDLE_MS)
  },
  // While this runs, the client's next messages wait. With 256 KiB waiting, the server stops reading the
  // connection, so that the client has to wait too.
  on_message: async (socket, data) => {
    try {
      await handle_message(socket, data)
    } catch (err) {
      if (!(err instanceof UploadRefused)) console.error(`${socket.addr}: the upload fails:`, err)
      send(socket, {
        type: 'failed',
        why: err instanceof UploadRefused ? err.message : 'the server could not store it',
      })
      socket.close(4400, 'failed')
    }
  },
  // Called after the last `on_message` has finished, so nothing is being written.
  on_close: async socket => {
    const { upload, idle } = socket.data
    clearTimeout(idle)
    if (upload === undefined) return
    used_bytes -= space_of(upload.size)
    await discard(upload)
    console.log(`${socket.addr}: ${upload.name} broke off after ${upload.bytes} bytes`)
  },
  on_error: err => console.error(err.addr ?? '', err.message),
})

async function handle_message(socket: Uploader, data: string | Uint8Array): Promise<void> {
  const { upload } = socket.data
  socket.data.idle?.refresh()
  if (typeof data !== 'string') {
    if (upload === undefined) throw new UploadRefused('send begin before the content')
    await store(socket, upload, data)
    return
  }
  const message = read_message(data)
  if (message.type === 'begin' && upload === undefined) socket.data.upload = await begin(message)
  else if (message.type === 'end' && upload !== undefined) await finish(socket, upload, message.sha256)
  else throw new UploadRefused(`${message.type} is not expected now`)
}

async function begin({ name, size }: { name: string; size: number }): Promise<Upload> {
  if (!NAME.test(name))
    throw new UploadRefused('a name has at most 63 letters, digits, spaces, or any of _.-')
  if (size > MAX_FILE_BYTES)
    throw new UploadRefused(`the file has ${size} bytes, and may have ${MAX_FILE_BYTES}`)
  if (used_bytes + space_of(size) > MAX_FOLDER_BYTES) throw new UploadRefused('there is no space left for it')
  const part = join(PARTS_FOLDER, randomUUID())
  used_bytes += space_of(size)
  const file = await open(part, 'wx').catch((err: unknown) => {
    used_bytes -= space_of(size)
    throw err
  })
  return { name, size, part, file, hash: createHash('sha256'), bytes: 0 }
}

function space_of(size: number): number {
  return Math.max(size, MIN_FILE_BYTES)
}

async function store(socket: Uploader, upload: Upload, chunk: Uint8Array): Promise<void> {
  const bytes = upload.bytes + chunk.byteLength
  if (bytes > upload.size)
    throw new UploadRefused(`received more than the ${upload.size} bytes that were announced`)
  await upload.file.writeFile(chunk)
  upload.hash.update(chunk)
  const is_progress = Math.floor(bytes / PROGRESS_BYTES) > Math.floor(upload.bytes / PROGRESS_BYTES)
  upload.bytes = bytes
  if (is_progress) send(socket, { type: 'stored', bytes })
}

async function finish(socket: Uploader, upload: Upload, sha256: string): Promise<void> {
  const { name, size, bytes, part, file, hash } = upload
  if (bytes !== size) throw new UploadRefused(`received ${bytes} of the ${size} bytes that were announced`)
  if (hash.digest('hex') !== sha256)
    throw new UploadRefused('the checksum is wrong: the content has changed on the way')
  // Writes the content from the system's memory to the disk before the client gets `done`.
  await file.sync()
  // `link` fails if the name exists, while `rename` would replace the file.
  const path = join(FOLDER, name)
  const is_new = await link(part, path).then(
    () => true,
    (err: NodeJS.ErrnoException) => {
      if (err.code === 'EEXIST') return false
      throw err
    },
  )
  // The client may have sent the file before, without receiving `done`.
  if (!is_new && (await sha256_of(path)) !== sha256)
    throw new UploadRefused(`there is another ${name} already`)
  socket.data.upload = undefined
  if (!is_new) used_bytes -= space_of(size)
  await discard(upload)
  console.log(`${socket.addr}: ${name} is stored, ${bytes} bytes`)
  send(socket, { type: 'done', name, bytes })
}

async function sha256_of(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path)) hash.update(chunk)
  return hash.digest('hex')
}

/** Closes the file of an upload, and deletes its temporary name. */
async function discard({ file, part }: Upload): Promise<void> {
  await file.close()
  await rm(part, { force: true })
}

function send(socket: Uploader, message: ServerMessage): void {
  socket.send(JSON.stringify(message))
}

type ClientMessage =
  | { readonly type: 'begin'; readonly name: string; readonly size: number }
  | { readonly type: 'end'; readonly sha256: string }

function read_message(text: string): ClientMessage {
  const { type, name, size, sha256 } = read_object(text)
  if (type === 'begin' && typeof name === 'string' && Number.isSafeInteger(size) && Number(size) >= 0)
    return { type, name, size: Number(size) }
  if (type === 'end' && typeof sha256 === 'string') return { type, sha256 }
  throw new UploadRefused('send begin with name and size, the content in binary, and end with sha256')
}

/** Returns the fields of a JSON object, not yet validated; none if the text is not an object. */
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
