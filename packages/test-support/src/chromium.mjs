// @ts-check
// Launches the Chromium of this machine, for tests and scripts.
import { chromium } from 'playwright-core'
import { CHROMIUM, path_of } from './programs.mjs'

/** No background traffic, and software rendering, as on a machine without a graphics card. */
export const CHROMIUM_FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** In the C locale, headless Chromium gives pages an invalid language tag. */
export const CHROMIUM_ENV = { ...process.env, LC_ALL: 'en_US.UTF-8' }

/** Starts Chromium without a window; `executablePath` may be a script that starts it in its own way. */
export function launch_chromium(executablePath = path_of(CHROMIUM)) {
  return chromium.launch({ executablePath, args: CHROMIUM_FLAGS, env: CHROMIUM_ENV })
}
