import type { BrokenRule, ReceiveLimits } from './broken_rule.js'
import { is_close_code, NO_CODE } from './close_code.js'
import { forget_words, NOT_ASCII, shifted_key } from './mask.js'
import { Utf8Check } from './utf8_check.js'

const CONTINUATION = 0x0
const TEXT = 0x1
const BINARY = 0x2
const CLOSE = 0x8
const PING = 0x9
const PONG = 0xa

const FIN = 0x80
const RSV1 = 0x40
const RSV2_RSV3 = 0x30
const OPCODE_BITS = 0x0f
const MASKED = 0x80
const LENGTH_BITS = 0x7f
const LENGTH_IN_2_BYTES = 126
const LENGTH_IN_8_BYTES = 127
const MASK_KEY_BYTES = 4
const LONGEST_HEADER_BYTES = 14
const LONGEST_CONTROL_BYTES = 125
/** RFC 6455 §5.2: of a length of eight bytes, the highest bit is 0. */
const MAX_HIGH = 0x7fff_ffff

/** From this size on, a platform is quicker at looking for bytes that are not ASCII. */
const LARGE_BYTES = 4_096

/**
 * The buffer for an unfinished message is at most this many times as large as what has arrived of it, and never larger than what can still arrive.
 * A peer that has sent half of what a socket is read at once will likely send more: the larger factor then saves copies of a large message.
 */
const GROWTH = 4
const LARGE_GROWTH = 16
const LARGE_PART_BYTES = 32_768

const NOTHING = new Uint8Array(0)

/** How to decode. */
export interface DecoderSettings extends ReceiveLimits {
  /** Who sends: a client's frames are masked, and a server's are not (RFC 6455 §5.1). */
  readonly from: 'client' | 'server'
  /** Whether permessage-deflate was agreed on: then RSV1 may say that a message is compressed (RFC 7692 §6). */
  readonly is_compressed: boolean
}

/** Memory and text of a platform. */
export interface DecoderMemory {
  /** Returns a buffer of exactly that size, with undefined content. */
  allocate(size_bytes: number): Uint8Array
  /** Returns a buffer of at least that size, with undefined content, until it is given back. */
  borrow(size_bytes: number): Uint8Array
  /** Takes back a buffer that was borrowed. */
  give_back(buffer: Uint8Array): void
  /** Returns a copy of the bytes from `start` to `end`, in a buffer of its own size. */
  copy(bytes: Uint8Array, start: number, end: number): Uint8Array
  /** Returns as text what is known to be ASCII. */
  ascii_text(bytes: Uint8Array, start: number, end: number): string
  /** Returns as text what is known to be UTF-8. */
  utf8_text(bytes: Uint8Array, start: number, end: number): string
  /** Unmasks in place, and returns all bytes OR-ed together, as `mask` does. */
  unmask(bytes: Uint8Array, start: number, end: number, key: number): number
  /** Whether all bytes are ASCII. */
  is_ascii(bytes: Uint8Array): boolean
  /** Whether they are UTF-8 (RFC 3629 §4). */
  is_utf8(bytes: Uint8Array): boolean
}

/** What a decoder has found. Any of these calls may stop the decoder. */
export interface DecoderSink {
  /** A whole message, whose payload took `payload_bytes` bytes. Binary data have a buffer of their own. */
  on_message(data: string | Uint8Array, payload_bytes: number): void
  /** A whole message that is compressed. */
  on_compressed(payload: Uint8Array, is_text: boolean): void
  /** A ping. Its payload is valid during the call. */
  on_ping(payload: Uint8Array): void
  /** A pong. */
  on_pong(): void
  /** A Close; without a code, 1005 (RFC 6455 §7.1.5). Nothing comes after it. */
  on_close(code: number, reason: string): void
  /** A rule is broken. Nothing comes after it. */
  on_broken(rule: BrokenRule): void
}

/**
 * Reads frames (RFC 6455 §5) from bytes that come in chunks of any size. It does no I/O, and takes memory and text from outside. A chunk is unmasked in
 * place, and is not needed any more when {@link FrameDecoder.decode} returns: what a stopped decoder has not read of it is copied.
 */
export class FrameDecoder {
  readonly #settings: DecoderSettings
  readonly #memory: DecoderMemory
  #sink: DecoderSink
  readonly #mask_bit: number
  #chunk: Uint8Array = NOTHING
  #at = 0
  #is_stopped = false
  #is_running = false
  #is_skipping = false
  #is_over = false
  /** A header that is cut off at the end of a chunk. */
  #header: Uint8Array | undefined
  #header_bytes = 0
  // The frame whose payload is being read.
  #opcode = CONTINUATION
  /** -1: no header was read. */
  #left_bytes = -1
  #key = 0
  #is_last = false
  /** The payload of a control frame that is cut off at the end of a chunk. */
  #control: Uint8Array | undefined
  #control_bytes = 0
  // The message whose frames are being read.
  /** 0: none. */
  #kind = CONTINUATION
  #is_packed = false
  #fragments = 0
  /** What has arrived of it. */
  #parts: Uint8Array = NOTHING
  #parts_bytes = 0
  /** All its bytes, OR-ed together. */
  #all_bits = 0
  #utf8: Utf8Check | undefined

  constructor(settings: DecoderSettings, memory: DecoderMemory, sink: DecoderSink) {
    this.#settings = settings
    this.#memory = memory
    this.#sink = sink
    this.#mask_bit = settings.from === 'client' ? MASKED : 0
  }

  /** Whether it is between messages, and keeps nothing of a connection: then it may {@link FrameDecoder.serve} another one. */
  get is_idle(): boolean {
    return (
      this.#left_bytes < 0 &&
      this.#kind === CONTINUATION &&
      this.#chunk === NOTHING &&
      this.#header_bytes === 0 &&
      !(this.#is_stopped || this.#is_running || this.#is_skipping || this.#is_over)
    )
  }

  /** Delivers to `sink` from now on. */
  serve(sink: DecoderSink): void {
    this.#sink = sink
  }

  /** Bytes of memory that it keeps: of an unfinished message, and of what was left of a chunk when it was stopped. */
  get held_bytes(): number {
    return this.#parts.length + (this.#is_running ? 0 : this.#chunk.length)
  }

  /** Whether bytes are left from before it was stopped. */
  get has_rest(): boolean {
    return this.#chunk.length > 0
  }

  /** Takes the next chunk, once the last one is done. */
  decode(chunk: Uint8Array): void {
    if (this.#is_over) return
    this.#chunk = chunk
    this.#at = 0
    try {
      this.#run()
    } finally {
      if (this.#chunk.length > 0) this.#keep_rest()
    }
  }

  /** Reads no further than the frame that it is at. */
  stop(): void {
    this.#is_stopped = true
  }

  /** Goes on with what is left. */
  resume(): void {
    this.#is_stopped = false
    this.#run()
  }

  /** From now on, reads control frames alone: drops the message that is unfinished, and the payloads of all that follow. */
  skip_messages(): void {
    this.#is_skipping = true
    this.#drop_parts()
    this.#utf8 = undefined
  }

  /** Reads nothing any more, and lets go of what it keeps. */
  end(): void {
    this.#is_over = true
    this.#chunk = NOTHING
    this.#drop_parts()
  }

  #run(): void {
    if (this.#is_running) return
    this.#is_running = true
    try {
      while (!this.#is_stopped && this.#at < this.#chunk.length) {
        const broken = this.#left_bytes < 0 ? this.#read_header() : this.#read_payload()
        if (broken !== undefined) {
          this.end()
          this.#sink.on_broken(broken)
        }
      }
    } finally {
      this.#is_running = false
      forget_words()
      if (this.#at >= this.#chunk.length) {
        this.#chunk = NOTHING
        this.#at = 0
      }
    }
  }

  #keep_rest(): void {
    const rest = this.#chunk.subarray(this.#at)
    this.#chunk = this.#memory.allocate(rest.length)
    this.#chunk.set(rest)
    this.#at = 0
  }

  #read_header(): BrokenRule | undefined {
    const chunk = this.#chunk
    const at = this.#at
    const is_cut =
      this.#header_bytes > 0 ||
      chunk.length - at < 2 ||
      chunk.length - at < header_bytes(chunk[at + 1] as number)
    if (is_cut) return this.#read_cut_header()
    this.#at += header_bytes(chunk[at + 1] as number)
    return this.#open_frame(chunk, at)
  }

  /** Byte by byte, since it is short and rare; its first two bytes are judged as soon as they are there. */
  #read_cut_header(): BrokenRule | undefined {
    this.#header ??= new Uint8Array(LONGEST_HEADER_BYTES)
    const header = this.#header
    header[this.#header_bytes] = this.#chunk[this.#at] as number
    this.#at += 1
    this.#header_bytes += 1
    if (this.#header_bytes < 2) return undefined
    const second = header[1] as number
    if (this.#header_bytes < header_bytes(second)) return this.#judge(header[0] as number, second)
    this.#header_bytes = 0
    return this.#open_frame(header, 0)
  }

  /** Reads the whole header that starts at `at`. An empty payload is done with it. */
  #open_frame(bytes: Uint8Array, at: number): BrokenRule | undefined {
    const first = bytes[at] as number
    const second = bytes[at + 1] as number
    const broken = this.#judge(first, second)
    if (broken !== undefined) return broken
    let length = second & LENGTH_BITS
    let key_at = at + 2
    if (length === LENGTH_IN_2_BYTES) {
      length = ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number)
      if (length < LENGTH_IN_2_BYTES) return 'long_length'
      key_at = at + 4
    } else if (length === LENGTH_IN_8_BYTES) {
      const high = read_uint32(bytes, at + 2) >>> 0
      if (high > MAX_HIGH) return 'negative_length'
      length = high * 0x1_0000_0000 + (read_uint32(bytes, at + 6) >>> 0)
      if (length <= 0xffff) return 'long_length'
      key_at = at + 10
    }
    if (this.#mask_bit !== 0) this.#key = read_uint32(bytes, key_at)
    this.#opcode = first & OPCODE_BITS
    this.#is_last = first >= FIN
    this.#left_bytes = length
    const too_much = this.#opcode < CLOSE ? this.#open_fragment(first, length) : undefined
    return too_much ?? (length === 0 ? this.#read_payload() : undefined)
  }

  /** RFC 6455 §5.2 to §5.5: what is wrong with a frame that starts with these two bytes. */
  #judge(first: number, second: number): BrokenRule | undefined {
    if ((first & RSV2_RSV3) !== 0) return 'reserved_bits'
    const opcode = first & OPCODE_BITS
    const has_rsv1 = (first & RSV1) !== 0
    if (opcode >= CLOSE) {
      const length = second & LENGTH_BITS
      if (opcode > PONG) return 'reserved_opcode'
      if (first < FIN) return 'fragmented_control'
      if (has_rsv1) return 'unexpected_rsv1'
      if (length > LONGEST_CONTROL_BYTES) return 'long_control'
      if (opcode === CLOSE && length === 1) return 'close_of_one_byte'
    } else if (opcode > BINARY) return 'reserved_opcode'
    else if (opcode === CONTINUATION) {
      if (this.#kind === CONTINUATION) return 'unexpected_continuation'
      if (has_rsv1) return 'unexpected_rsv1'
    } else {
      if (this.#kind !== CONTINUATION) return 'expected_continuation'
      if (has_rsv1 && !this.#settings.is_compressed) return 'unexpected_rsv1'
    }
    if ((second & MASKED) !== this.#mask_bit) return this.#mask_bit === 0 ? 'masked' : 'not_masked'
    return undefined
  }

  /** Counts another fragment of a message, or its first and only one. */
  #open_fragment(first: number, length: number): BrokenRule | undefined {
    if (this.#kind === CONTINUATION) {
      this.#kind = this.#opcode
      this.#is_packed = (first & RSV1) !== 0
    }
    this.#fragments += 1
    const { max_fragments, max_payload } = this.#settings
    if (this.#fragments > max_fragments) return 'too_many_fragments'
    const most_bytes = this.#is_packed ? most_packed_bytes(max_payload) : max_payload
    return this.#parts_bytes + length > most_bytes ? 'message_too_large' : undefined
  }

  /** Reads as much of the payload as the chunk has, be it nothing of an empty one. */
  #read_payload(): BrokenRule | undefined {
    const chunk = this.#chunk
    const start = this.#at
    const end = Math.min(start + this.#left_bytes, chunk.length)
    this.#at = end
    this.#left_bytes -= end - start
    const is_control = this.#opcode >= CLOSE
    if (this.#is_skipping && !is_control) return this.#skip_payload()
    const all_bits = this.#unmask(chunk, start, end)
    if (is_control) return this.#read_control(chunk, start, end)
    if (this.#left_bytes === 0 && this.#is_last && this.#parts_bytes === 0 && !this.#is_packed)
      return this.#whole_message(chunk, start, end, all_bits)
    if (!this.#add_part(chunk, start, end, all_bits)) return 'invalid_utf8'
    if (this.#left_bytes > 0) return undefined
    this.#left_bytes = -1
    return this.#is_last ? this.#message_in_parts() : undefined
  }

  #skip_payload(): undefined {
    if (this.#left_bytes > 0) return
    this.#left_bytes = -1
    if (this.#is_last) this.#next_message()
  }

  /** Returns all bytes OR-ed together; of those that are text, or may be. */
  #unmask(chunk: Uint8Array, start: number, end: number): number {
    if (this.#mask_bit !== 0) {
      const all_bits = this.#memory.unmask(chunk, start, end, this.#key)
      this.#key = shifted_key(this.#key, end - start)
      return all_bits
    }
    if (this.#kind !== TEXT || this.#is_packed) return 0
    // A key of zero leaves the bytes as they are.
    if (end - start < LARGE_BYTES) return this.#memory.unmask(chunk, start, end, 0)
    return this.#memory.is_ascii(chunk.subarray(start, end)) ? 0 : NOT_ASCII
  }

  /** A message in one frame that is all in the chunk, as most are. */
  #whole_message(chunk: Uint8Array, start: number, end: number, all_bits: number): BrokenRule | undefined {
    const is_text = this.#kind === TEXT
    const memory = this.#memory
    this.#next_message()
    if (!is_text) this.#sink.on_message(memory.copy(chunk, start, end), end - start)
    else if ((all_bits & NOT_ASCII) === 0)
      this.#sink.on_message(memory.ascii_text(chunk, start, end), end - start)
    else if (memory.is_utf8(chunk.subarray(start, end)))
      this.#sink.on_message(memory.utf8_text(chunk, start, end), end - start)
    else return 'invalid_utf8'
    return undefined
  }

  /** Adds to an unfinished message; returns whether that can still be text, if it has to be. */
  #add_part(chunk: Uint8Array, start: number, end: number, all_bits: number): boolean {
    const needed_bytes = this.#parts_bytes + end - start
    if (needed_bytes > this.#parts.length) this.#grow(needed_bytes)
    if (end > start) this.#parts.set(chunk.subarray(start, end), this.#parts_bytes)
    this.#parts_bytes = needed_bytes
    this.#all_bits |= all_bits
    if (this.#kind !== TEXT || this.#is_packed || (this.#all_bits & NOT_ASCII) === 0) return true
    this.#utf8 ??= new Utf8Check()
    return this.#utf8.accepts(chunk, start, end, this.#memory.is_utf8)
  }

  #grow(needed_bytes: number): void {
    const { max_payload } = this.#settings
    const most_bytes = this.#is_packed ? most_packed_bytes(max_payload) : max_payload
    // The last fragment says how much there will be.
    const known_bytes = this.#is_last ? needed_bytes + this.#left_bytes : most_bytes
    const growth = needed_bytes < LARGE_PART_BYTES ? GROWTH : LARGE_GROWTH
    const size_bytes = Math.min(known_bytes, needed_bytes * growth)
    const larger = this.#is_text ? this.#memory.borrow(size_bytes) : this.#memory.allocate(size_bytes)
    larger.set(this.#parts.subarray(0, this.#parts_bytes))
    const bytes = this.#parts_bytes
    this.#drop_parts()
    this.#parts = larger
    this.#parts_bytes = bytes
  }

  /** What is made into text goes back; bytes are handed on as they are. */
  #drop_parts(): void {
    if (this.#is_text && this.#parts.length > 0) this.#memory.give_back(this.#parts)
    this.#parts = NOTHING
    this.#parts_bytes = 0
  }

  get #is_text(): boolean {
    return this.#kind === TEXT && !this.#is_packed
  }

  #message_in_parts(): BrokenRule | undefined {
    if (this.#utf8?.is_complete === false) return 'invalid_utf8'
    const memory = this.#memory
    const parts = this.#parts
    const bytes = this.#parts_bytes
    if (this.#is_packed) {
      const is_text = this.#kind === TEXT
      this.#next_message()
      this.#sink.on_compressed(parts.subarray(0, bytes), is_text)
    } else if (this.#is_text) {
      const to_text = (this.#all_bits & NOT_ASCII) === 0 ? memory.ascii_text : memory.utf8_text
      const text = to_text(parts, 0, bytes)
      this.#next_message()
      this.#sink.on_message(text, bytes)
    } else {
      this.#next_message()
      this.#sink.on_message(bytes === parts.length ? parts : memory.copy(parts, 0, bytes), bytes)
    }
    return undefined
  }

  #next_message(): void {
    if (this.#parts.length > 0) this.#drop_parts()
    this.#left_bytes = -1
    this.#kind = CONTINUATION
    this.#fragments = this.#all_bits = 0
    this.#utf8 = undefined
  }

  #read_control(chunk: Uint8Array, start: number, end: number): BrokenRule | undefined {
    let payload = chunk.subarray(start, end)
    if (this.#left_bytes > 0 || this.#control_bytes > 0) {
      this.#control ??= this.#memory.allocate(LONGEST_CONTROL_BYTES)
      this.#control.set(payload, this.#control_bytes)
      this.#control_bytes += payload.length
      if (this.#left_bytes > 0) return undefined
      payload = this.#control.subarray(0, this.#control_bytes)
      this.#control_bytes = 0
    }
    this.#left_bytes = -1
    if (this.#opcode === CLOSE) return this.#read_close(payload)
    if (this.#opcode === PING) this.#sink.on_ping(payload)
    else this.#sink.on_pong()
    return undefined
  }

  #read_close(payload: Uint8Array): BrokenRule | undefined {
    const code = payload.length === 0 ? NO_CODE : ((payload[0] as number) << 8) | (payload[1] as number)
    if (payload.length > 0 && !is_close_code(code)) return 'invalid_close_code'
    if (!this.#memory.is_utf8(payload.subarray(2))) return 'invalid_utf8'
    const reason = this.#memory.utf8_text(payload, Math.min(2, payload.length), payload.length)
    this.end()
    this.#sink.on_close(code, reason)
    return undefined
  }
}

/** Each fragment may end with an empty block or two. */
const FLUSH_BYTES = 16_384

/**
 * Returns the most bytes that a packed message is read of, since more cannot be a message of `max_payload` bytes unless its sender wastes them: zlib's
 * own bound (`deflateBound`) for whatever settings, and some for flushes.
 */
export function most_packed_bytes(max_payload: number): number {
  return max_payload + Math.ceil(max_payload / 8) + Math.ceil(max_payload / 64) + FLUSH_BYTES
}

function header_bytes(second: number): number {
  const length = second & LENGTH_BITS
  const length_bytes = length < LENGTH_IN_2_BYTES ? 2 : length === LENGTH_IN_2_BYTES ? 4 : 10
  return (second & MASKED) === 0 ? length_bytes : length_bytes + MASK_KEY_BYTES
}

function read_uint32(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) << 24) |
    ((bytes[at + 1] as number) << 16) |
    ((bytes[at + 2] as number) << 8) |
    (bytes[at + 3] as number)
  )
}
