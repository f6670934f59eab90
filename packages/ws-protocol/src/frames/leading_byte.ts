/**
 * The first byte of each binary message of a session (`bt.session.1`): whether the bytes behind it are a control
 * message, or those that the application has sent.
 */
export const LEADING_BYTE = { CONTROL: 0, APPLICATION: 1 } as const
