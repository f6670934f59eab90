// Sends a file to upload_server.ts: FILE [URL] on the command line. It holds a little of the file at a time, however large it is and however
// slow the server or the network are, and ends with 1 where the file did not arrive.
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { connect, NetError, type WsClient } from '@bt/net'

const CHUNK_BYTES = 64 * 1_024

type Told =
  | { readonly type: 'stored'; readonly bytes: number }
  | { readonly type: 'done' }
  | { readonly type: 'failed'; readonly why: string }

/**
 * Uploads a file, and settles when the server has stored it whole. `on_progress` is called with the bytes that are on the server's disk: what was
 * sent, or is on its way, says little about when it will be done.
 */
async function upload(
  path: string,
  url: string,
  on_progress: (stored_bytes: number, size: number) => void,
): Promise<void> {
  const { size } = await stat(path)
  const ws = connect({ type: 'ws', url, max_queue: 1_048_576 })
  const is_stored = new Promise<void>((resolve, reject) => {
    ws.on_message(text => {
      const told = read_told(text)
      if (told?.type === 'stored') on_progress(told.bytes, size)
      else if (told?.type === 'done') resolve()
      else if (told?.type === 'failed') reject(new Error(told.why))
    })
    // A full queue is what `send` below waits for.
    ws.on_error(err => err.code !== 'queue_full' && reject(err))
    ws.on_close(({ code, reason }) => reject(new Error(`the server has closed: ${code} ${reason}`)))
  })
  // What `send` and `drained` say of a connection that has ended is told above, and better.
  const is_sent = send_file(ws, path, size).catch((err: unknown) => {
    if (!(err instanceof NetError)) throw err
  })
  try {
    // Whichever is first: a server that does not want it says so while we are still sending.
    await Promise.race([is_stored, is_sent])
    await is_stored
    on_progress(size, size)
  } finally {
    ws.close()
  }
}

async function send_file(ws: WsClient, path: string, size: number): Promise<void> {
  await send(ws, JSON.stringify({ type: 'begin', name: basename(path), size }))
  const hash = createHash('sha256')
  const chunks: AsyncIterable<Buffer> = createReadStream(path, { highWaterMark: CHUNK_BYTES })
  for await (const chunk of chunks) {
    hash.update(chunk)
    await send(ws, chunk)
  }
  await send(ws, JSON.stringify({ type: 'end', sha256: hash.digest('hex') }))
}

/** Sends a message as soon as there is room for it. */
async function send(ws: WsClient, data: string | Uint8Array): Promise<void> {
  for (;;) {
    const sent = ws.send(data)
    if (sent === true) return
    if (sent.code !== 'queue_full') throw sent
    await ws.drained()
  }
}

/** What the server says, where it is something that we know. */
function read_told(text: string): Told | undefined {
  const told: unknown = JSON.parse(text)
  if (typeof told !== 'object' || told === null || !('type' in told)) return undefined
  if (told.type === 'done') return { type: 'done' }
  if (told.type === 'stored' && 'bytes' in told) return { type: 'stored', bytes: Number(told.bytes) }
  if (told.type === 'failed' && 'why' in told) return { type: 'failed', why: String(told.why) }
  return undefined
}

const [path, url = 'ws://127.0.0.1:8081/upload'] = process.argv.slice(2)
try {
  if (path === undefined) throw new Error('name a file')
  await upload(path, url, (stored_bytes, size) => {
    console.log(`${size === 0 ? 100 : Math.floor((100 * stored_bytes) / size)} %`)
  })
} catch (err) {
  console.error(err instanceof Error ? err.message : err)
  process.exitCode = 1
}
