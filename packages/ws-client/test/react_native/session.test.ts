import { connect } from '../../src/index.react_native.js'
import { session } from '../../src/session.browser.js'
import { session_cases } from '../session_cases.js'
import { ReactNativeWebSocket } from './react_native_web_socket.js'

session_cases({ connect, session, Socket: ReactNativeWebSocket, has_texts: true })
