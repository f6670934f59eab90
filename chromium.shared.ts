import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { type Browser, chromium } from 'playwright-core'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome']
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** Starts the Chromium of this machine, without a window: that of CHROMIUM_PATH, or the first on the PATH. */
export function launch_chromium(): Promise<Browser> {
  const { CHROMIUM_PATH, PATH = '' } = process.env
  const path =
    CHROMIUM_PATH ??
    PATH.split(delimiter)
      .flatMap(folder => NAMES.map(name => join(folder, name)))
      .find(place => existsSync(place))
  if (path === undefined)
    throw new Error(
      `the tests of what runs in a browser need Chromium, and none of ${NAMES.join(', ')} is on the PATH: install it (Debian: apt-get install chromium), or set CHROMIUM_PATH`,
    )
  return chromium.launch({ executablePath: path, args: FLAGS })
}
