// @ts-check
// The Chromium of this machine, for tests and scripts.
import { chromium } from 'playwright-core'
import { CHROMIUM, path_of } from './programs.mjs'

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

/** In the locale C, Chromium without windows gives pages a language tag that is not valid. */
export const CHROMIUM_ENV = { ...process.env, LC_ALL: 'en_US.UTF-8' }

/** Starts it without a window. */
export function launch_chromium() {
  return chromium.launch({ executablePath: path_of(CHROMIUM), args: CHROMIUM_FLAGS, env: CHROMIUM_ENV })
}
