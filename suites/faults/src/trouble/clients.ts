import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { launch_chromium } from '@bt/test-support/chromium'
import { Journal } from '@bt/test-support/journal'
import { CHROMIUM, path_of } from '@bt/test-support/programs'
import { temporary_folder } from '@bt/test-support/temporary'
import { give_up, start_child } from './child.js'
import type { TalkerSettings } from './talker.js'
import type { ClientName, TalkerCommand, TalkerEvent } from './trouble_messages.js'

/** A client, from outside. */
export interface Client {
  readonly name: ClientName
  readonly events: Journal<TalkerEvent>
  send(command: TalkerCommand): void
}

/** The client in Node, whose process can be suspended. */
export interface NodeClient extends Client {
  suspend(): void
  resume(): void
}

/** The client in a page. */
export interface PageClient extends Client {
  /** Sets what `navigator.onLine` says, and stops the browser's requests, or lets them through again. */
  set_offline(is_offline: boolean): Promise<void>
  /** Freezes the page as browsers do with pages that are hidden for long, or shows it again. */
  set_frozen(is_frozen: boolean): Promise<void>
}

/** Starts the client in Node at one end of a link. */
export function start_node(end: readonly string[], settings: Omit<TalkerSettings, 'client'>): NodeClient {
  const child = start_child<TalkerCommand, TalkerEvent>(end, 'trouble_client', [
    JSON.stringify({ ...settings, client: 'node' }),
  ])
  return {
    name: 'node',
    events: child.events,
    send: command => child.send(command),
    suspend: () => child.signal('SIGSTOP'),
    resume: () => child.signal('SIGCONT'),
  }
}

/** Starts Chromium at one end of a link, and the client in a page of the server. */
export async function start_page(
  end: readonly string[],
  settings: Omit<TalkerSettings, 'client'>,
): Promise<PageClient> {
  // Its processes end with this one.
  const browser = await launch_chromium(chromium_at(end))
  browser.once('disconnected', () => give_up('Chromium has exited'))
  const context = await browser.newContext()
  const page = await context.newPage()
  page.once('crash', () => give_up('the page has crashed'))
  page.once('pageerror', error => give_up(`the page has thrown: ${error.stack}`))
  const events = new Journal<TalkerEvent>()
  await page.exposeFunction('report', (event: TalkerEvent) => events.add(event))
  await page.goto(`http://${settings.host}/`)
  await page.waitForFunction(() => 'talker' in globalThis)
  await page.evaluate(`talker.start(${JSON.stringify({ ...settings, client: 'page' })})`)
  const devtools = await context.newCDPSession(page)
  return {
    name: 'page',
    events,
    send: command => void page.evaluate(`talker.command(${JSON.stringify(command)})`),
    set_offline: is_offline => context.setOffline(is_offline),
    set_frozen: async is_frozen => {
      await devtools.send('Page.setWebLifecycleState', { state: is_frozen ? 'frozen' : 'active' })
    },
  }
}

/** Returns a script that starts Chromium at one end of a link. */
function chromium_at(end: readonly string[]): string {
  const script = join(temporary_folder('trouble'), 'chromium')
  const command = [...end, path_of(CHROMIUM)].map(word => `'${word}'`).join(' ')
  writeFileSync(script, `#!/bin/sh\nexec ${command} "$@"\n`)
  chmodSync(script, 0o755)
  return script
}
