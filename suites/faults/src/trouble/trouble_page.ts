// The client in a page, which the owner of the page starts and commands by the global `talker`.
import { start_talker, type TalkerSettings } from './talker.js'
import type { TalkerCommand, TalkerEvent } from './trouble_messages.js'

declare global {
  /** Passes events on to the owner of the page. */
  function report(event: TalkerEvent): void
}

let talk: ((command: TalkerCommand) => void) | undefined

Object.assign(globalThis, {
  talker: {
    start: (settings: TalkerSettings): void => {
      talk = start_talker(settings, event => report(event))
    },
    command: (command: TalkerCommand): void => talk?.(command),
  },
})
