import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { DecoderMemory } from '../../src/frames/decoder.js'
import type { DecoderClass } from './recording_decoder.js'

/** A change to the sources of the decoder that introduces a fault. */
export interface Fault {
  readonly name: string
  readonly file: 'decoder' | 'mask' | 'utf8_check'
  /** The text to replace, which occurs in the file exactly once. */
  readonly right: string
  readonly wrong: string
}

export const FAULTS: readonly Fault[] = [
  {
    name: 'the masking key starts over in each segment',
    file: 'decoder',
    right: 'this.#key = rotate_key(this.#key, end - start)',
    wrong: '',
  },
  {
    name: 'a new message may start within another one',
    file: 'decoder',
    right: "if (this.#kind !== CONTINUATION) return 'expected_continuation'",
    wrong: '',
  },
  {
    name: 'a message of max_payload bytes is too large',
    file: 'decoder',
    right: 'this.#unfinished_bytes + length > max_bytes',
    wrong: 'this.#unfinished_bytes + length >= max_bytes',
  },
  {
    name: 'fragments are counted over all messages',
    file: 'decoder',
    right: 'this.#fragments = this.#all_bits = 0',
    wrong: 'this.#all_bits = 0',
  },
  {
    name: 'a length of 65,535 may take eight bytes',
    file: 'decoder',
    right: 'length <= 0xffff',
    wrong: 'length < 0xffff',
  },
  {
    name: 'a control frame that was cut off is prepended to the next one',
    file: 'decoder',
    right: '      this.#control_bytes = 0',
    wrong: '',
  },
  {
    name: 'a stop takes effect at the end of the segment',
    file: 'decoder',
    right: '!this.#is_stopped && ',
    wrong: '',
  },
  {
    name: 'text in fragments may end within a character',
    file: 'decoder',
    right: "if (this.#utf8?.is_complete === false) return 'invalid_utf8'",
    wrong: '',
  },
  {
    name: 'a binary message shares the memory of its segment',
    file: 'decoder',
    right: 'memory.copy(chunk, start, end)',
    wrong: 'chunk.subarray(start, end)',
  },
  {
    name: 'bytes of the last segment are taken for ASCII if those before are',
    file: 'decoder',
    right: 'this.#all_bits |= all_bits',
    wrong: 'this.#all_bits ||= all_bits',
  },
  {
    name: 'masking by words is one byte off',
    file: 'mask',
    right: 'key_bytes[(base + start + 3) & 3] = k3',
    wrong: 'key_bytes[(base + start + 3) & 3] = k2',
  },
  {
    name: 'the last masked byte is not checked for ASCII',
    file: 'mask',
    right: 'if (at + 2 < end) all |= bytes',
    wrong: 'if (at + 2 < end) bytes',
  },
  {
    name: 'half of a surrogate pair is accepted if it is cut',
    file: 'utf8_check',
    right: 'else if (byte === 0xed) this.#high = 0x9f',
    wrong: '',
  },
  {
    name: 'a character of four bytes is missed at the end of a segment',
    file: 'utf8_check',
    right: 'const LONGEST_CHARACTER = 4',
    wrong: 'const LONGEST_CHARACTER = 3',
  },
]

const SOURCES = join(import.meta.dirname, '../../src')

export interface Planted {
  readonly Decoder: DecoderClass
  readonly memory: DecoderMemory
}

/** Loads the decoder and its memory from a copy of the sources with the fault. */
export async function plant({ file, right, wrong }: Fault): Promise<Planted> {
  const folder = mkdtempSync(join(tmpdir(), 'planted_fault_'))
  try {
    cpSync(SOURCES, folder, { recursive: true })
    const path = join(folder, 'frames', `${file}.ts`)
    const parts = readFileSync(path, 'utf8').split(right)
    if (parts.length !== 2)
      throw new Error(`${file}.ts has this ${parts.length - 1} times, where a fault replaces it: ${right}`)
    writeFileSync(path, parts.join(wrong))
    const load = <Module>(name: string): Promise<Module> => import(pathToFileURL(join(folder, name)).href)
    const { FrameDecoder: Decoder } = await load<{ FrameDecoder: DecoderClass }>('frames/decoder.ts')
    const { decoder_memory: memory } = await load<{ decoder_memory: DecoderMemory }>(
      'node/memory/decoder_memory.ts',
    )
    return { Decoder, memory }
  } finally {
    rmSync(folder, { recursive: true })
  }
}
