export { session } from './browser/session.js'
