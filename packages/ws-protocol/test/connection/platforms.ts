import { OPCODE, read_frames } from '../../src/frames/frame.js'
import { frame_memory } from '../../src/node/memory/frame_memory.js'
import type { FrameBatch } from '../../src/queues/batch.js'
import { FrameQueue } from '../../src/queues/frame_queue.js'
import type { MessageBatch } from '../../src/queues/message_queue.js'
import type { SendQueue } from '../../src/queues/send_queue.js'
import { FakePlatform, FakeSocket } from '../../src/testing/index.js'

/** A platform whose queue holds frames, as Node's does. */
class FramePlatform extends FakePlatform {
  override make_queue(is_masked: boolean): SendQueue {
    return new FrameQueue(is_masked, frame_memory)
  }
}

/** A socket that takes batches of frames, and records their messages. */
class FrameSocket extends FakeSocket {
  override write(batch: FrameBatch | MessageBatch): void {
    super.write('frames' in batch ? unframed(batch) : batch)
  }
}

function unframed({ frames, messages, frame_bytes }: FrameBatch): MessageBatch {
  const payloads = Array.from(read_frames(frames), ({ opcode, payload }) =>
    opcode === OPCODE.TEXT ? Buffer.from(payload).toString() : new Uint8Array(payload),
  )
  const payload_bytes = payloads.reduce((sum, payload) => sum + Buffer.byteLength(payload), 0)
  return { payloads, payload_bytes, messages, frame_bytes }
}

/** A kind of send queue, by a platform and a socket that use it. */
interface QueueKind {
  readonly Platform: new () => FakePlatform
  readonly Socket: new () => FakeSocket
}

/** Both kinds of send queue, by what they hold. */
export const QUEUES: readonly [readonly ['messages', QueueKind], readonly ['frames', QueueKind]] = [
  ['messages', { Platform: FakePlatform, Socket: FakeSocket }],
  ['frames', { Platform: FramePlatform, Socket: FrameSocket }],
]
