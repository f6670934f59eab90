import type { Writable } from 'node:stream'
import * as ws from 'ws'
import type { DecoderSettings } from '../../src/frames/decoder.js'
import { decoder_event } from './decoder_event.js'

interface ReceiverOptions {
  readonly isServer: boolean
  readonly maxPayload: number
  readonly maxFragments: number
  readonly extensions: Readonly<Record<string, RawMessages>>
}

/** The decoder of `ws`, which its types leave out. */
const { Receiver } = ws as unknown as { readonly Receiver: new (options: ReceiverOptions) => Writable }

/** A replacement for permessage-deflate that records compressed messages instead of inflating them. */
class RawMessages {
  #fragments: Uint8Array[] = []
  /** The last message, until `take` is called. */
  #message: Buffer | undefined

  decompress(fragment: Uint8Array, is_last: boolean, done: (error: null, inflated: Buffer) => void): void {
    this.#fragments.push(fragment)
    if (is_last) {
      this.#message = Buffer.concat(this.#fragments)
      this.#fragments = []
    }
    // `ws` has to be called back later, as by zlib.
    queueMicrotask(() => done(null, Buffer.alloc(0)))
  }

  take(): Buffer | undefined {
    const message = this.#message
    this.#message = undefined
    return message
  }
}

const close_code_of = (error: object): number =>
  // `ws` stores the code under a private symbol, the only one that it adds.
  Object.getOwnPropertySymbols(error)
    .map((symbol): unknown => Reflect.get(error, symbol))
    .find(value => typeof value === 'number') ?? Number.NaN

/** Decodes segments with the receiver of `ws`. */
export async function read_with_ws(
  segments: readonly Uint8Array[],
  { from, is_compressed, max_payload, max_fragments }: DecoderSettings,
): Promise<string[]> {
  const events: string[] = []
  const raw = new RawMessages()
  const receiver = new Receiver({
    isServer: from === 'client',
    maxPayload: max_payload,
    maxFragments: max_fragments,
    extensions: is_compressed ? { 'permessage-deflate': raw } : {},
  })
  receiver.on('message', (data: Buffer, is_binary: boolean) => {
    const compressed = raw.take()
    if (compressed !== undefined) events.push(decoder_event.compressed(compressed, !is_binary))
    else events.push(decoder_event.message(is_binary ? data : data.toString(), data.length))
  })
  receiver.on('ping', (payload: Buffer) => events.push(decoder_event.ping(payload)))
  receiver.on('pong', () => events.push(decoder_event.pong()))
  receiver.on('conclude', (code: number, reason: Buffer) =>
    events.push(decoder_event.close(code, reason.toString())),
  )
  receiver.on('error', error => events.push(decoder_event.failed(close_code_of(error))))
  for (const segment of segments) {
    if (receiver.destroyed || receiver.writableEnded) break
    // Segments are copied, since they are unmasked in place, and written one at a time: `ws` reads those that
    // wait for an inflated message even after an error.
    await new Promise(resolve => receiver.write(Buffer.from(segment), resolve))
  }
  // The receiver defers work to microtasks.
  await new Promise(setImmediate)
  return events
}
