import { afterAll, describe, expect, test } from 'vitest'
import { encode } from './frame.ts'
import { frame_cases } from './frame_cases/all.ts'
import { check_frames } from './play_frames.ts'
import type { Segmentation } from './raw_peer.ts'
import { ServerSide } from './server_side.ts'

const LONGEST_BYTE_BY_BYTE = 500
const LONGEST_CUT_EVERYWHERE = 12

const side = new ServerSide()
const cases = frame_cases('server').map(each => ({
  each,
  title: `${each.name} (${each.clause})`,
  size: encode(each.sends, 'client').length,
}))

afterAll(() => side.close())

test('every case has a name of its own', () => {
  expect(new Set(cases.map(({ each }) => each.name)).size).toBe(cases.length)
})

describe('server, frames', () => {
  for (const { each, title } of cases) {
    test(title, async () => check_frames(each, 'server', await side.play(each, 'whole')))
  }
})

describe('server, frames byte by byte', () => {
  for (const { each, title } of cases.filter(({ size }) => size <= LONGEST_BYTE_BY_BYTE)) {
    test(title, async () => check_frames(each, 'server', await side.play(each, 'byte by byte')))
  }
})

describe('server, frames cut in two at each byte', () => {
  for (const { each, title, size } of cases.filter(
    ({ size }) => size > 1 && size <= LONGEST_CUT_EVERYWHERE,
  )) {
    const cuts = Array.from({ length: size - 1 }, (_, index): Segmentation => ({ cuts: [index + 1] }))
    test(title, async () => {
      for (const cut of cuts) check_frames(each, 'server', await side.play(each, cut))
    })
  }
})
