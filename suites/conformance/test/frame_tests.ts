import { afterAll, describe, expect, test } from 'vitest'
import { encode } from './frame.ts'
import type { FrameCase } from './frame_case.ts'
import { frame_cases } from './frame_cases/all.ts'
import { check_frames, type Observed } from './frame_exchange.ts'
import type { Segmentation } from './raw_peer.ts'

const MAX_BYTE_BY_BYTE = 500
const MAX_CUT_AT_EACH_BYTE = 12

/** A side under test, which runs cases of frames with a raw peer. */
interface Side {
  run(test_case: FrameCase, segmentation: Segmentation): Promise<Observed>
  close(): Promise<void>
}

/** Defines the tests of all frame cases of a side: whole, byte by byte, and cut in two at each byte. */
export function define_frame_tests(name: 'server' | 'client', side: Side): void {
  const peer = name === 'server' ? 'client' : 'server'
  const cases = frame_cases(name).map(test_case => ({
    test_case,
    title: `${test_case.name} (${test_case.clause})`,
    size: encode(test_case.sends, peer).length,
  }))
  const check = async (test_case: FrameCase, segmentation: Segmentation): Promise<void> =>
    check_frames(test_case, name, await side.run(test_case, segmentation))

  afterAll(() => side.close())

  test('all cases have different names', () => {
    expect(new Set(cases.map(({ test_case }) => test_case.name)).size).toBe(cases.length)
  })

  describe(`${name}, frames`, () => {
    for (const { test_case, title } of cases) test(title, () => check(test_case, 'whole'))
  })

  describe(`${name}, frames byte by byte`, () => {
    for (const { test_case, title } of cases.filter(({ size }) => size <= MAX_BYTE_BY_BYTE))
      test(title, () => check(test_case, 'byte by byte'))
  })

  describe(`${name}, frames cut in two at each byte`, () => {
    for (const { test_case, title, size } of cases.filter(
      ({ size }) => size > 1 && size <= MAX_CUT_AT_EACH_BYTE,
    )) {
      test(title, async () => {
        for (let cut = 1; cut < size; cut += 1) await check(test_case, { cuts: [cut] })
      })
    }
  })
}
