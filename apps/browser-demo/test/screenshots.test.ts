import { execFile } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { CHROMIUM, NATS, path_of } from '@bt/test-support/programs'
import { expect, it } from 'vitest'

const FOLDER = new URL('../screenshots/', import.meta.url)
const SCRIPT = fileURLToPath(new URL('../scripts/screenshots.mjs', import.meta.url))

/** Returns the width and height of a PNG, the first two numbers of its first chunk. */
function size_of(png: Buffer): [number, number] {
  return [png.readUInt32BE(16), png.readUInt32BE(20)]
}

it('saves screenshots of all states of the page, at both widths and in both schemes', {
  timeout: 180_000,
}, async () => {
  path_of(CHROMIUM)
  path_of(NATS)
  rmSync(FOLDER, { recursive: true, force: true })
  await promisify(execFile)(process.execPath, [SCRIPT, '1', '10'])
  const states = ['', 'reconnecting-', 'nodes-', 'alone-']
  for (const shown of states.flatMap(state => [`${state}light`, `${state}dark`])) {
    expect(size_of(readFileSync(new URL(`desktop-${shown}.png`, FOLDER)))).toEqual([1280, 800])
    // On a phone, the screenshot shows the full page, with two device pixels per CSS pixel.
    const [width, height] = size_of(readFileSync(new URL(`phone-${shown}.png`, FOLDER)))
    expect(width).toBe(2 * 390)
    expect(height).toBeGreaterThan(2 * 844)
  }
})
