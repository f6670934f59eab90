// Sends a file to upload_server.ts. The arguments are FILE [URL]. It holds only a small part of the file in
// memory, even if the server or the network is slow, and exits with 1 if the file was not stored.
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { connect, NetError, type WsClient } from '@bt/net'

const CHUNK_BYTES = 64 * 1_024

type ServerMessage =
  | { readonly type: 'stored'; readonly bytes: number }
  | { readonly type: 'done' }
  | { readonly type: 'failed'; readonly why: string }

/**
 * Uploads a file, and resolves when the server has stored it. `on_progress` is called with the number of
 * bytes on the server's disk. The number of bytes sent would be less useful, because many may still be queued
 * or in transit.
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
      const message = read_message(text)
      if (message?.type === 'stored') on_progress(message.bytes, size)
      else if (message?.type === 'done') resolve()
      else if (message?.type === 'failed') reject(new Error(message.why))
    })
    // `send` below handles a full queue.
    ws.on_error(err => err.code !== 'queue_full' && reject(err))
    ws.on_close(({ code, reason }) => reject(new Error(`the server has closed: ${code} ${reason}`)))
  })
  // For a connection that has ended, the callbacks above have better errors than `send` and `drained`.
  const is_sent = send_file(ws, path, size).catch((err: unknown) => {
    if (!(err instanceof NetError)) throw err
  })
  try {
    // The server may refuse the file while it is still being sent.
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

/** Sends a message as soon as the queue has room. */
async function send(ws: WsClient, data: string | Uint8Array): Promise<void> {
  for (;;) {
    const sent = ws.send(data)
    if (sent === true) return
    if (sent.code !== 'queue_full') throw sent
    await ws.drained()
  }
}

/** Returns a message of the server; `undefined` if its type is unknown. */
function read_message(text: string): ServerMessage | undefined {
  const message: unknown = JSON.parse(text)
  if (typeof message !== 'object' || message === null || !('type' in message)) return undefined
  if (message.type === 'done') return { type: 'done' }
  if (message.type === 'stored' && 'bytes' in message) return { type: 'stored', bytes: Number(message.bytes) }
  if (message.type === 'failed' && 'why' in message) return { type: 'failed', why: String(message.why) }
  return undefined
}

const [path, url = 'ws://127.0.0.1:8081/upload'] = process.argv.slice(2)
try {
  if (path === undefined) throw new Error('the path of a file is missing')
  await upload(path, url, (stored_bytes, size) => {
    console.log(`${size === 0 ? 100 : Math.floor((100 * stored_bytes) / size)} %`)
  })
} catch (err) {
  console.error(err instanceof Error ? err.message : err)
  process.exitCode = 1
}
