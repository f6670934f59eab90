import { afterAll, describe, expect, test } from 'vitest'
import { encode } from './frame.ts'
import type { FrameCase } from './frame_case.ts'
import { frame_cases } from './frame_cases/all.ts'
import { check_frames, type Observed } from './play_frames.ts'
import type { Segmentation } from './raw_peer.ts'

const LONGEST_BYTE_BY_BYTE = 500
const LONGEST_CUT_EVERYWHERE = 12

/** One of our sides, which plays cases of frames with a bare peer. */
interface Side {
  play(each: FrameCase, segmentation: Segmentation): Promise<Observed>
  close(): Promise<void>
}

/** Tries all cases of frames that apply to a side: whole, byte by byte, and cut in two wherever that can be. */
export function try_frames(name: 'server' | 'client', side: Side): void {
  const peer = name === 'server' ? 'client' : 'server'
  const cases = frame_cases(name).map(each => ({
    each,
    title: `${each.name} (${each.clause})`,
    size: encode(each.sends, peer).length,
  }))
  const check = async (each: FrameCase, segmentation: Segmentation): Promise<void> =>
    check_frames(each, name, await side.play(each, segmentation))

  afterAll(() => side.close())

  test('every case has a name of its own', () => {
    expect(new Set(cases.map(({ each }) => each.name)).size).toBe(cases.length)
  })

  describe(`${name}, frames`, () => {
    for (const { each, title } of cases) test(title, () => check(each, 'whole'))
  })

  describe(`${name}, frames byte by byte`, () => {
    for (const { each, title } of cases.filter(({ size }) => size <= LONGEST_BYTE_BY_BYTE))
      test(title, () => check(each, 'byte by byte'))
  })

  describe(`${name}, frames cut in two at each byte`, () => {
    for (const { each, title, size } of cases.filter(
      ({ size }) => size > 1 && size <= LONGEST_CUT_EVERYWHERE,
    )) {
      test(title, async () => {
        for (let cut = 1; cut < size; cut += 1) await check(each, { cuts: [cut] })
      })
    }
  })
}
