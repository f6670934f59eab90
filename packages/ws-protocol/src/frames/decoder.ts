import type { BrokenRule, ReceiveLimits } from './broken_rule.js'
import { is_close_code, NO_CODE } from './close_code.js'
import { NOT_ASCII, release_words, rotate_key } from './mask.js'
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
/** RFC 6455 §5.2: the highest bit of an eight-byte length is 0. */
const MAX_HIGH = 0x7fff_ffff

/** From this size on, the platform's ASCII check is faster than ours. */
const LARGE_BYTES = 4_096

/**
 * The buffer of an unfinished message is at most this many times as large as the part that has arrived, and
 * never larger than the message can become. A peer that has sent half of one socket read will likely send
 * more, so the larger factor then saves copies of a large message.
 */
const GROWTH = 4
const LARGE_GROWTH = 16
const LARGE_PART_BYTES = 32_768

const NOTHING = new Uint8Array(0)

/** The settings of a decoder. */
export interface DecoderSettings extends ReceiveLimits {
  /** The sending side: a client's frames are masked, and a server's are not (RFC 6455 §5.1). */
  readonly from: 'client' | 'server'
  /**
   * Whether permessage-deflate was negotiated, so that RSV1 may mark a message as compressed (RFC 7692 §6).
   */
  readonly is_compressed: boolean
}

/** The memory and text functions of a platform. */
export interface DecoderMemory {
  /** Returns a buffer of exactly that size, with undefined content. */
  allocate(size_bytes: number): Uint8Array
  /** Returns a buffer of at least that size, with undefined content, until it is given back. */
  borrow(size_bytes: number): Uint8Array
  /** Takes back a borrowed buffer. */
  give_back(buffer: Uint8Array): void
  /** Returns a copy of the bytes from `start` to `end`, in a buffer of exactly that size. */
  copy(bytes: Uint8Array, start: number, end: number): Uint8Array
  /** Returns the text in bytes that are known to be ASCII. */
  ascii_text(bytes: Uint8Array, start: number, end: number): string
  /** Returns the text in bytes that are known to be UTF-8. */
  utf8_text(bytes: Uint8Array, start: number, end: number): string
  /** Unmasks in place, and returns all bytes OR-ed together, as `mask` does. */
  unmask(bytes: Uint8Array, start: number, end: number, key: number): number
  /** Whether all bytes are ASCII. */
  is_ascii(bytes: Uint8Array): boolean
  /** Whether the bytes are valid UTF-8 (RFC 3629 §4). */
  is_utf8(bytes: Uint8Array): boolean
}

/** The events of a decoder. Any of these calls may stop the decoder. */
export interface DecoderEvents {
  /** A whole message, whose payload took `payload_bytes` bytes. Binary data has a buffer of its own. */
  on_message(data: string | Uint8Array, payload_bytes: number): void
  /** A whole compressed message. */
  on_compressed(payload: Uint8Array, is_text: boolean): void
  /** A ping. Its payload is only valid during the call. */
  on_ping(payload: Uint8Array): void
  /** A pong. */
  on_pong(): void
  /** A Close; `code` is 1005 if it carries none (RFC 6455 §7.1.5). No event follows. */
  on_close(code: number, reason: string): void
  /** The peer broke a rule. No event follows. */
  on_broken(rule: BrokenRule): void
}

/**
 * Decodes frames (RFC 6455 §5) from bytes that arrive in chunks of any size. It does no I/O; the platform
 * provides memory and text functions. A chunk is unmasked in place and can be reused when
 * {@link FrameDecoder.decode} returns: a stopped decoder copies the part that it has not read.
 */
export class FrameDecoder {
  readonly #settings: DecoderSettings
  readonly #memory: DecoderMemory
  #events: DecoderEvents
  readonly #mask_bit: number
  #chunk: Uint8Array = NOTHING
  #offset = 0
  #is_stopped = false
  #is_running = false
  #is_skipping = false
  #is_over = false
  /** The start of a header that was cut off at the end of a chunk. */
  #header: Uint8Array | undefined
  #header_bytes = 0
  // The frame whose payload is being read.
  #opcode = CONTINUATION
  /** -1 while no header has been read. */
  #left_bytes = -1
  #key = 0
  #is_last = false
  /** The start of a control frame's payload that was cut off at the end of a chunk. */
  #control: Uint8Array | undefined
  #control_bytes = 0
  // The message whose frames are being read.
  /** The opcode of its first frame, or CONTINUATION if there is no message. */
  #kind = CONTINUATION
  #is_compressed = false
  #fragments = 0
  /** The payload that has arrived so far, unless the message is whole in one chunk. */
  #unfinished: Uint8Array = NOTHING
  #unfinished_bytes = 0
  /** All bytes of the unfinished message, OR-ed together. */
  #all_bits = 0
  #utf8: Utf8Check | undefined

  constructor(settings: DecoderSettings, memory: DecoderMemory, events: DecoderEvents) {
    this.#settings = settings
    this.#memory = memory
    this.#events = events
    this.#mask_bit = settings.from === 'client' ? MASKED : 0
  }

  /**
   * Whether the decoder is between messages and holds no data of its connection, so that another one can use
   * it.
   */
  get is_idle(): boolean {
    return (
      this.#left_bytes < 0 &&
      this.#kind === CONTINUATION &&
      this.#chunk === NOTHING &&
      this.#header_bytes === 0 &&
      !(this.#is_stopped || this.#is_running || this.#is_skipping || this.#is_over)
    )
  }

  /** Sends all further events to `events`. */
  deliver_to(events: DecoderEvents): void {
    this.#events = events
  }

  /**
   * Returns the bytes of memory held: the unfinished message, and the rest of the chunk if the decoder was
   * stopped.
   */
  get held_bytes(): number {
    return this.#unfinished.length + (this.#is_running ? 0 : this.#chunk.length)
  }

  /** Whether part of the last chunk is unread because the decoder was stopped. */
  get has_unread_bytes(): boolean {
    return this.#chunk.length > 0
  }

  /** Decodes the next chunk. The previous one must have been read to its end. */
  decode(chunk: Uint8Array): void {
    if (this.#is_over) return
    this.#chunk = chunk
    this.#offset = 0
    try {
      this.#run()
    } finally {
      if (this.#chunk.length > 0) this.#keep_rest()
    }
  }

  /** Stops after the current frame. */
  stop(): void {
    this.#is_stopped = true
  }

  /** Resumes decoding with the rest of the chunk. */
  resume(): void {
    this.#is_stopped = false
    this.#run()
  }

  /** Drops the unfinished message and all that follow; only control frames are still reported. */
  skip_messages(): void {
    this.#is_skipping = true
    this.#drop_unfinished()
    this.#utf8 = undefined
  }

  /** Ends decoding for good, and releases all memory. */
  end(): void {
    this.#is_over = true
    this.#chunk = NOTHING
    this.#drop_unfinished()
  }

  #run(): void {
    if (this.#is_running) return
    this.#is_running = true
    try {
      while (!this.#is_stopped && this.#offset < this.#chunk.length) {
        const broken = this.#left_bytes < 0 ? this.#read_header() : this.#read_payload()
        if (broken !== undefined) {
          this.end()
          this.#events.on_broken(broken)
        }
      }
    } finally {
      this.#is_running = false
      release_words()
      if (this.#offset >= this.#chunk.length) {
        this.#chunk = NOTHING
        this.#offset = 0
      }
    }
  }

  #keep_rest(): void {
    const rest = this.#chunk.subarray(this.#offset)
    this.#chunk = this.#memory.allocate(rest.length)
    this.#chunk.set(rest)
    this.#offset = 0
  }

  #read_header(): BrokenRule | undefined {
    const chunk = this.#chunk
    const at = this.#offset
    const is_cut =
      this.#header_bytes > 0 ||
      chunk.length - at < 2 ||
      chunk.length - at < header_bytes(chunk[at + 1] as number)
    if (is_cut) return this.#read_cut_header()
    this.#offset += header_bytes(chunk[at + 1] as number)
    return this.#open_frame(chunk, at)
  }

  /**
   * Reads byte by byte, since this is short and rare. The first two bytes are checked as soon as they have
   * arrived.
   */
  #read_cut_header(): BrokenRule | undefined {
    this.#header ??= new Uint8Array(LONGEST_HEADER_BYTES)
    const header = this.#header
    header[this.#header_bytes] = this.#chunk[this.#offset] as number
    this.#offset += 1
    this.#header_bytes += 1
    if (this.#header_bytes < 2) return undefined
    const second = header[1] as number
    if (this.#header_bytes < header_bytes(second)) return this.#check_first_bytes(header[0] as number, second)
    this.#header_bytes = 0
    return this.#open_frame(header, 0)
  }

  /** Reads the complete header that starts at `at`, and an empty payload with it. */
  #open_frame(bytes: Uint8Array, at: number): BrokenRule | undefined {
    const first = bytes[at] as number
    const second = bytes[at + 1] as number
    const broken = this.#check_first_bytes(first, second)
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
    const broken_limit = this.#opcode < CLOSE ? this.#open_fragment(first, length) : undefined
    return broken_limit ?? (length === 0 ? this.#read_payload() : undefined)
  }

  /** Returns the rule of RFC 6455 §5.2 to §5.5 that a frame with these first two bytes breaks, if any. */
  #check_first_bytes(first: number, second: number): BrokenRule | undefined {
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

  /** Counts a data frame as a fragment of its message, and checks the limits. */
  #open_fragment(first: number, length: number): BrokenRule | undefined {
    if (this.#kind === CONTINUATION) {
      this.#kind = this.#opcode
      this.#is_compressed = (first & RSV1) !== 0
    }
    this.#fragments += 1
    const { max_fragments, max_payload } = this.#settings
    if (this.#fragments > max_fragments) return 'too_many_fragments'
    const max_bytes = this.#is_compressed ? max_compressed_bytes(max_payload) : max_payload
    return this.#unfinished_bytes + length > max_bytes ? 'message_too_large' : undefined
  }

  /** Reads as much of the frame's payload as the chunk contains. */
  #read_payload(): BrokenRule | undefined {
    const chunk = this.#chunk
    const start = this.#offset
    const end = Math.min(start + this.#left_bytes, chunk.length)
    this.#offset = end
    this.#left_bytes -= end - start
    const is_control = this.#opcode >= CLOSE
    if (this.#is_skipping && !is_control) return this.#skip_payload()
    const all_bits = this.#unmask(chunk, start, end)
    if (is_control) return this.#read_control(chunk, start, end)
    if (this.#left_bytes === 0 && this.#is_last && this.#unfinished_bytes === 0 && !this.#is_compressed)
      return this.#deliver_whole(chunk, start, end, all_bits)
    if (!this.#append(chunk, start, end, all_bits)) return 'invalid_utf8'
    if (this.#left_bytes > 0) return undefined
    this.#left_bytes = -1
    return this.#is_last ? this.#deliver_unfinished() : undefined
  }

  #skip_payload(): undefined {
    if (this.#left_bytes > 0) return
    this.#left_bytes = -1
    if (this.#is_last) this.#reset_message()
  }

  /**
   * Unmasks in place. Returns all bytes OR-ed together, or 0 for unmasked binary data, which needs no check.
   */
  #unmask(chunk: Uint8Array, start: number, end: number): number {
    if (this.#mask_bit !== 0) {
      const all_bits = this.#memory.unmask(chunk, start, end, this.#key)
      this.#key = rotate_key(this.#key, end - start)
      return all_bits
    }
    if (this.#kind !== TEXT || this.#is_compressed) return 0
    // A key of zero leaves the bytes as they are.
    if (end - start < LARGE_BYTES) return this.#memory.unmask(chunk, start, end, 0)
    return this.#memory.is_ascii(chunk.subarray(start, end)) ? 0 : NOT_ASCII
  }

  /** Delivers a message that is one frame, whole in the chunk, as most are. */
  #deliver_whole(chunk: Uint8Array, start: number, end: number, all_bits: number): BrokenRule | undefined {
    const is_text = this.#kind === TEXT
    const memory = this.#memory
    this.#reset_message()
    if (!is_text) this.#events.on_message(memory.copy(chunk, start, end), end - start)
    else if ((all_bits & NOT_ASCII) === 0)
      this.#events.on_message(memory.ascii_text(chunk, start, end), end - start)
    else if (memory.is_utf8(chunk.subarray(start, end)))
      this.#events.on_message(memory.utf8_text(chunk, start, end), end - start)
    else return 'invalid_utf8'
    return undefined
  }

  /** Adds to the unfinished message; returns `false` if it is text that is no longer valid UTF-8. */
  #append(chunk: Uint8Array, start: number, end: number, all_bits: number): boolean {
    const needed_bytes = this.#unfinished_bytes + end - start
    if (needed_bytes > this.#unfinished.length) this.#grow(needed_bytes)
    if (end > start) this.#unfinished.set(chunk.subarray(start, end), this.#unfinished_bytes)
    this.#unfinished_bytes = needed_bytes
    this.#all_bits |= all_bits
    if (this.#kind !== TEXT || this.#is_compressed || (this.#all_bits & NOT_ASCII) === 0) return true
    this.#utf8 ??= new Utf8Check()
    return this.#utf8.accepts(chunk, start, end, this.#memory.is_utf8)
  }

  #grow(needed_bytes: number): void {
    const { max_payload } = this.#settings
    const max_bytes = this.#is_compressed ? max_compressed_bytes(max_payload) : max_payload
    // The header of the last fragment fixes the size of the message.
    const known_bytes = this.#is_last ? needed_bytes + this.#left_bytes : max_bytes
    const growth = needed_bytes < LARGE_PART_BYTES ? GROWTH : LARGE_GROWTH
    const size_bytes = Math.min(known_bytes, needed_bytes * growth)
    const larger = this.#is_text ? this.#memory.borrow(size_bytes) : this.#memory.allocate(size_bytes)
    larger.set(this.#unfinished.subarray(0, this.#unfinished_bytes))
    const bytes = this.#unfinished_bytes
    this.#drop_unfinished()
    this.#unfinished = larger
    this.#unfinished_bytes = bytes
  }

  /**
   * Gives the buffer back if its text was copied into a string; a buffer of bytes belongs to the application.
   */
  #drop_unfinished(): void {
    if (this.#is_text && this.#unfinished.length > 0) this.#memory.give_back(this.#unfinished)
    this.#unfinished = NOTHING
    this.#unfinished_bytes = 0
  }

  get #is_text(): boolean {
    return this.#kind === TEXT && !this.#is_compressed
  }

  #deliver_unfinished(): BrokenRule | undefined {
    if (this.#utf8?.is_complete === false) return 'invalid_utf8'
    const memory = this.#memory
    const unfinished = this.#unfinished
    const bytes = this.#unfinished_bytes
    if (this.#is_compressed) {
      const is_text = this.#kind === TEXT
      this.#reset_message()
      this.#events.on_compressed(unfinished.subarray(0, bytes), is_text)
    } else if (this.#is_text) {
      const to_text = (this.#all_bits & NOT_ASCII) === 0 ? memory.ascii_text : memory.utf8_text
      const text = to_text(unfinished, 0, bytes)
      this.#reset_message()
      this.#events.on_message(text, bytes)
    } else {
      this.#reset_message()
      this.#events.on_message(
        bytes === unfinished.length ? unfinished : memory.copy(unfinished, 0, bytes),
        bytes,
      )
    }
    return undefined
  }

  #reset_message(): void {
    if (this.#unfinished.length > 0) this.#drop_unfinished()
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
    if (this.#opcode === PING) this.#events.on_ping(payload)
    else this.#events.on_pong()
    return undefined
  }

  #read_close(payload: Uint8Array): BrokenRule | undefined {
    const code = payload.length === 0 ? NO_CODE : ((payload[0] as number) << 8) | (payload[1] as number)
    if (payload.length > 0 && !is_close_code(code)) return 'invalid_close_code'
    if (!this.#memory.is_utf8(payload.subarray(2))) return 'invalid_utf8'
    const reason = this.#memory.utf8_text(payload, Math.min(2, payload.length), payload.length)
    this.end()
    this.#events.on_close(code, reason)
    return undefined
  }
}

/** An allowance for the empty blocks that each fragment may end with. */
const FLUSH_BYTES = 16_384

/**
 * Returns the largest compressed size of a message of `max_payload` bytes: zlib's own bound (`deflateBound`)
 * for any settings, and an allowance for flushes. Only a wasteful sender needs more.
 */
export function max_compressed_bytes(max_payload: number): number {
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
