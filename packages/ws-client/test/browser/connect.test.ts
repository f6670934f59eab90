import { connect } from '../../src/browser/connect.js'
import { connect_cases } from './connect_cases.js'

connect_cases(connect, { texts: true })
