import { expect, test } from 'vitest'
import { frame_memory, read_message } from '../../../src/node/index.js'
import { SharedFrames } from '../../../src/queues/shared_frames.js'

test.each(['', 'hello', '中文 😀', 'x'.repeat(70_000), Uint8Array.of(0, 255), new Uint8Array(0)])(
  'the message in a frame is what was framed: %#',
  message => {
    const { frames } = new SharedFrames(frame_memory).add(message)
    const found = read_message(frames)
    expect(typeof found === 'string' ? found : Uint8Array.from(found)).toEqual(message)
  },
)
