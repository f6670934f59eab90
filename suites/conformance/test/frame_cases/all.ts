import type { FrameCase } from '../frame_case.ts'
import { closing } from './closing.ts'
import { compression } from './compression.ts'
import { control } from './control.ts'
import { fragmentation } from './fragmentation.ts'
import { lengths } from './lengths.ts'
import { masks } from './masks.ts'
import { reserved } from './reserved.ts'
import { sending } from './sending.ts'
import { texts } from './texts.ts'

const all: readonly FrameCase[] = [
  ...lengths,
  ...fragmentation,
  ...texts,
  ...closing,
  ...reserved,
  ...masks,
  ...control,
  ...sending,
  ...compression,
]

/** Returns the cases that apply to a side. */
export function frame_cases(side: 'server' | 'client'): FrameCase[] {
  return all.filter(test_case => test_case.side === undefined || test_case.side === side)
}
