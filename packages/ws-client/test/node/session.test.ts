import { connect } from '../../src/index.js'
import { session } from '../../src/session.js'
import { session_cases } from '../session_cases.js'

session_cases({ connect, session, has_texts: true })
