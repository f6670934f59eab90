import type { Platform } from '../../connection/platform.js'
import { make_frame, OPCODE } from '../../frames/frame.js'
import type { FrameBatch } from '../../queues/batch.js'
import { FrameQueue } from '../../queues/frame_queue.js'
import { KeptFrames } from '../../session/kept_frames.js'
import type { SessionPlatform } from '../../session/session_platform.js'
import { frame_memory } from '../memory/frame_memory.js'

/** Makes a platform of Node fit for sessions. */
export function with_node_sessions(platform: Platform): SessionPlatform {
  return {
    ...platform,
    make_queue: is_masked => new FrameQueue(is_masked, frame_memory, 1),
    make_control(bytes, is_masked): FrameBatch {
      const frames = make_frame(OPCODE.BINARY, bytes, is_masked)
      return { messages: 1, frame_bytes: frames.length, frames, release() {} }
    },
    make_kept: is_masked => new KeptFrames(is_masked, frame_memory, text_of),
    has_late_timers: false,
  }
}

function text_of(utf8: Uint8Array): string {
  return Buffer.from(utf8.buffer, utf8.byteOffset, utf8.length).toString()
}
