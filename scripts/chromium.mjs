// The Chromium of this machine, for tests and scripts: where it is, and how it is started.
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { chromium } from 'playwright-core'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'chrome.exe']

/** Quiet, and drawing by software, as on a machine without a graphics card. */
export const CHROMIUM_FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** Where Chromium is: what CHROMIUM_PATH says, or the first on the PATH. */
export function chromium_path() {
  const { CHROMIUM_PATH, PATH = '' } = process.env
  const places = PATH.split(delimiter).flatMap(folder => NAMES.map(name => join(folder, name)))
  const path = CHROMIUM_PATH ?? places.find(place => existsSync(place))
  if (path !== undefined) return path
  throw new Error(
    `what runs in a browser needs Chromium, and none of ${NAMES.join(', ')} is on the PATH: install it (Debian: apt-get install chromium), or say where it is in CHROMIUM_PATH`,
  )
}

/** Starts it without a window. */
export function launch_chromium() {
  return chromium.launch({ executablePath: chromium_path(), args: CHROMIUM_FLAGS })
}
