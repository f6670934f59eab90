import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** Starts the Chromium of this machine, without a window; CHROMIUM_PATH says where it is, where it is not in the usual place. */
export function launch_chromium(): Promise<Browser> {
  const places = process.env.CHROMIUM_PATH === undefined ? PLACES : [process.env.CHROMIUM_PATH]
  const path = places.find(place => existsSync(place))
  if (path === undefined)
    throw new Error(
      `the tests of what runs in a browser need Chromium, and it is not at ${places.join(', ')}: install it (Debian: apt-get install chromium), or set CHROMIUM_PATH`,
    )
  return chromium.launch({ executablePath: path, args: FLAGS })
}
