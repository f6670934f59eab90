import { OPCODE } from './frame.js'

/** Tiny frames that many clients send as fast as the server reads them. */
export interface FloodKind {
  readonly case_name: string
  readonly clients: number
  readonly opcode: number
  readonly payload: string
  /** Whether it needs features that only @bt/net has: callbacks that may throw, and topics. */
  readonly only_bt_net: boolean
}

const PINGS: FloodKind = {
  case_name: 'beside 64 that send pings',
  clients: 64,
  opcode: OPCODE.PING,
  payload: '',
  only_bt_net: false,
}

const EMPTY_TEXTS: FloodKind = {
  case_name: 'beside 16 that send empty texts',
  clients: 16,
  opcode: OPCODE.TEXT,
  payload: '',
  only_bt_net: false,
}

/** The callback throws on this text. */
export const ERRORS: FloodKind = {
  case_name: 'beside 16 that make a callback throw',
  clients: 16,
  opcode: OPCODE.TEXT,
  payload: 'throw',
  only_bt_net: true,
}

/** On this text, the callback joins the topic of that name, awaits that, and publishes to the topic. */
export const JOINS: FloodKind = {
  case_name: 'beside 20 that join and publish',
  clients: 20,
  opcode: OPCODE.TEXT,
  payload: 'room',
  only_bt_net: true,
}

export const FLOODS: readonly FloodKind[] = [PINGS, EMPTY_TEXTS, ERRORS, JOINS]
